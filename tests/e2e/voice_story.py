"""The story of a voice interview, whatever the browser, and what has to be left of it."""

from __future__ import annotations

import io
import json
import re
import wave
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from qualz import transcript
from qualz.ai.pocketsphinx_listener import PocketsphinxListener
from qualz.ai.programs_that_speak import Flite
from qualz.database import db
from qualz.guide import FollowUp, Question
from qualz.interview import Interview
from qualz.media import speech
from qualz.media.ffmpeg import FFmpeg
from qualz.study import Camera, Study
from qualz.tools import find_ffmpeg, find_flite
from tests.ai.spoken import misheard
from tests.e2e.conftest import adas_account, inside
from tests.e2e.kept import Kept
from tests.e2e.server import Server, eventually

QUESTIONS = [
    Question(id="q1", text="What was the search like?", follow_up=FollowUp.ALWAYS, most=1),
    Question(id="q2", text="What did you do after that?", follow_up=FollowUp.NEVER),
    Question(id="q3", text="How is the page?", follow_up=FollowUp.ALWAYS, most=1),
]
FIRST = "the search was confusing"
SECOND = "it was hard to find because the list was too long"
HALF = "most of the time I give up and ask somebody"
THIRD = "my sister told me to call the shop instead"
TYPED = "The page is annoying"
SPOKEN = (FIRST, SECOND, THIRD)
WORST = 0.15
LOUD = 600
# Seconds between a turn's place in the recording and the sound of it there.
OUT_OF_PLACE = 0.3


class Speaker(Protocol):
    """A participant who speaks, and what they can do."""

    page: Any
    complaints: list[str]

    def opens(self, link: str) -> None: ...
    def consents(self) -> None: ...
    def passes_the_device_check(self) -> None: ...
    def goes_on_where_it_was_left(self) -> None: ...
    def hears(self, question: str) -> None: ...
    def is_asked_on_after(self, question: str) -> None: ...
    def is_captioned(self) -> None: ...
    def begins_to_say(self, wav: str) -> None: ...
    def is_recorded(self, *, seconds: float) -> None: ...
    def says(self, wav: str) -> None: ...
    def types(self, answer: str) -> None: ...
    def ends_early(self) -> None: ...


def happens(
    server: Server, comes: Callable[[], Speaker], dies: Callable[[Any], None], wavs: dict[str, str]
) -> Kept:
    """Three answers aloud, in the midst of one of which the page dies, and a typed one."""
    link = f"{server.url}{opens_a_study(server)}"
    killed = comes()
    killed.opens(link)
    killed.consents()
    killed.passes_the_device_check()
    killed.hears(QUESTIONS[0].text)
    killed.says(wavs[FIRST])
    killed.is_asked_on_after(QUESTIONS[0].text)
    killed.is_captioned()
    killed.says(wavs[SECOND])
    killed.hears(QUESTIONS[1].text)
    killed.begins_to_say(wavs[HALF])
    killed.is_recorded(seconds=1.5)
    kept = Kept(server, killed.page)
    dies(killed)
    eventually(lambda: kept.is_away, what="the server notices")

    again = comes()
    again.opens(link)
    again.goes_on_where_it_was_left()
    again.hears(QUESTIONS[1].text)
    again.says(wavs[THIRD])
    again.hears(QUESTIONS[2].text)
    again.types(TYPED)
    again.is_asked_on_after(QUESTIONS[2].text)
    again.ends_early()
    assert killed.complaints == again.complaints == []
    return kept


def opens_a_study(server: Server) -> str:
    with inside(server):
        study = Study.start(adas_account(), title="By voice", camera=Camera.DISABLED)
        study.revise_guide(QUESTIONS)
        study.open()
        db.session.commit()
        return f"/i/{study.invitation.token}"


# ---- what is left of it


@dataclass(frozen=True)
class Said:
    """A turn as the transcript shows it, and the moments at which its words were heard."""

    text: str
    by_moderator: bool
    manner: str
    at: float | None
    words: list[float]


def assert_all_of_it_is_kept(server: Server, kept: Kept, folder: Path) -> None:
    full_session = kept.becomes_a_full_session()
    eventually(lambda: _all_are_heard(server), within=60, what="all answers are heard")
    turns = transcript_of(server, kept.interview)
    for turn in turns:
        print(turn)
    answers = [turn.text for turn in turns if turn.manner == "spoken"]
    errors = sum(map(misheard, SPOKEN, answers))
    words = sum(len(text.split()) for text in SPOKEN)
    print(f"word error rate {errors / words:.3f} of {words} words: {answers}")
    assert errors / words <= WORST
    assert TYPED in [turn.text for turn in turns]
    assert_probed(server)

    sound = decoded(full_session, folder)
    begun = onsets(sound)
    print("sound begins at", [round(at, 2) for at in begun])
    for turn in turns:
        if turn.at is None or turn.manner == "typed":
            continue
        # A participant speaks up when their machine lets them; where that was, the words say.
        expected = turn.at + lead_of(turn.text) if turn.by_moderator else turn.words[0]
        nearest = min(begun, key=lambda at: abs(at - expected))
        print(f"{turn.at:6.2f} s, its sound {nearest - expected:+.2f} s off: {turn.text}")
        assert abs(nearest - expected) <= OUT_OF_PLACE, turn
        assert nearest >= turn.at - OUT_OF_PLACE, turn
    assert_both_are_heard(turns, sound)


def transcript_of(server: Server, interview: str) -> list[Said]:
    with inside(server):
        found = db.session.scalars(db.select(Interview).filter_by(public_id=interview)).one()
        return [_said(line) for line in transcript.lines(found)]


def _said(line: transcript.Line) -> Said:
    turn = line.turn
    heard = turn.heard.words if turn.heard else []
    shift = 0.0 if line.at is None or line.at_in_clip is None else line.at - line.at_in_clip
    return Said(
        text=turn.text,
        by_moderator=line.by_moderator,
        manner=str(turn.manner or ""),
        at=line.at,
        words=[word["s"] + shift for word in heard],
    )


def _all_are_heard(server: Server) -> bool:
    rows = server.ask("SELECT state FROM hearings WHERE NOT is_at_leisure")
    return len(rows) == len(SPOKEN) and all(state == "done" for (state,) in rows)


def assert_probed(server: Server) -> None:
    """What is asked on quotes the words that were known by then: typed ones always are, spoken
    ones when the machine was quick enough."""
    log = [
        (kind, json.loads(told))
        for kind, told in server.ask("SELECT kind, payload FROM events ORDER BY position")
    ]
    at_spoken, at_typed = (at for at, (_, told) in enumerate(log) if told.get("act") == "probe")
    in_time = any(kind == "heard" for kind, _ in log[:at_spoken])
    spoken, typed = log[at_spoken][1]["text"], log[at_typed][1]["text"]
    print(f"“{FIRST}”, heard {'in time' if in_time else 'too late'}: {spoken}")
    print(f"“{TYPED}”: {typed}")
    assert not in_time or "confusing" in spoken
    assert "annoying" in typed


def decoded(path: Path, folder: Path) -> bytes:
    binary = find_ffmpeg()
    assert binary
    return speech.cut(path, 0, speech.LONGEST, folder, ffmpeg=FFmpeg(binary=binary))


def lead_of(text: str) -> float:
    """Seconds of silence with which the moderator's voice begins to say it."""
    with wave.open(io.BytesIO(Flite(Path(find_flite() or "")).say(text, language="en"))) as file:
        samples = memoryview(file.readframes(file.getnframes())).cast("h")
        return next(at for at, one in enumerate(samples) if abs(one) > LOUD) / file.getframerate()


def onsets(sound: bytes) -> list[float]:
    """Where somebody begins to speak after a pause of a tenth of a second, in seconds."""
    samples, size = memoryview(sound).cast("h"), speech.RATE // 50
    blocks = range(0, len(samples) - size, size)
    loud = [at / speech.RATE for at in blocks if max(map(abs, samples[at : at + size])) > LOUD]
    return [at for before, at in zip([-1.0, *loud], loud, strict=False) if at - before > 0.1]


def assert_both_are_heard(turns: list[Said], sound: bytes) -> None:
    """The words of each are in the one file, from where the transcript says to where it has the
    next one."""
    listener = PocketsphinxListener()
    placed = [(turn, turn.at) for turn in turns if turn.at is not None]
    ends = [*[at for _, at in placed[1:]], len(sound) / speech.RATE / 2]
    wanted, found = Counter[bool](), Counter[bool]()
    for (turn, at), until in zip(placed, ends, strict=True):
        if turn.manner == "typed":
            continue
        piece = sound[int(at * speech.RATE) * 2 : int(until * speech.RATE) * 2]
        heard = listener.hear(piece, language="en").text
        words = set(re.sub(r"[^\w ]", "", turn.text).lower().split())
        wanted[turn.by_moderator] += len(words)
        found[turn.by_moderator] += len(words & set(heard.split()))
        print(f"{'moderator' if turn.by_moderator else 'participant'}: {heard}")
    for by_moderator, words in wanted.items():
        assert found[by_moderator] >= 0.6 * words, f"{found} of {wanted}"
