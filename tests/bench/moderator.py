"""From Done to the next question, and to its first sound, stage by stage."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from qualz.database import db
from qualz.guide import FollowUp, Question
from qualz.keys import kept
from qualz.researcher import Researcher
from qualz.service import Kind, Service
from qualz.study import Camera, Study
from qualz.tools import find_ffmpeg, find_flite
from qualz.vault import Vault
from tests.ai.spoken import speak
from tests.ai.stub_server import Request, stub_server
from tests.bench.servers import folder, qualz
from tests.bench.table import Table, ms, percentile
from tests.bench.targets import Figures
from tests.conftest import add_researcher
from tests.e2e.conftest import inside
from tests.e2e.plain import PlainParticipant
from tests.e2e.server import Server

SAID = "the search was confusing"
# What of an answer is still in the browser at Done: half of its recorder's timeslice.
TAIL = 0.5  # seconds
MODEL_TAKES = 0.5  # seconds
REPLY = {
    "evidence": [],
    "answered": "partly",
    "flags": [],
    "decision": "probe",
    "probe_type": "elaborate",
    "utterance": "Could you tell me more about that?",
}
STAGES = {
    "upload": "the rest of the sound on the server's disk",
    "words": "waited for speech to text",
    "decision": "the moderator",
    "question": "Done to the next question",
    "first sound": "Done to the sound of it",
}


@dataclass
class Gap:
    """Seconds by stage, one of each for an answer; `of_model` counts the model's own questions."""

    stages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    heard: int = 0


def measure(*, full: bool) -> Figures:
    flite, ffmpeg = find_flite(), find_ffmpeg()
    assert flite, "no flite: apt-get install flite"
    assert ffmpeg, "no ffmpeg"
    count = 40 if full else 12
    figures: Figures = {}
    with folder() as place:
        sound = spoken(str(flite), str(ffmpeg), place)
        for title, is_spoken, has_model in (
            ("typed, scripted", False, False),
            ("spoken, scripted", True, False),
            (f"spoken, a model that takes {1000 * MODEL_TAKES:.0f} ms", True, True),
        ):
            with qualz(QUALZ_HEARING="pocketsphinx", QUALZ_SPEAKING="flite") as server:
                gap = _measured(server, sound if is_spoken else None, has_model, count)
            _show(title, gap)
            p95 = percentile(gap.stages["question"], 0.95)
            if p95 is not None and not has_model:
                figures["next question" if is_spoken else "next, typed"] = p95
    return figures


def spoken(flite: str, ffmpeg: str, place: Path) -> tuple[bytes, float]:
    """An answer as browsers record it, and its seconds."""
    seconds = len(speak(flite, SAID, "kal16", place / "said.wav")) / 32_000
    out = place / "said.webm"
    command = [ffmpeg, "-v", "error", "-i", str(place / "said.wav"), "-c:a", "libopus"]
    # Clusters as short as a recorder's timeslice.
    subprocess.run([*command, "-b:a", "64k", "-cluster_time_limit", "100", str(out)], check=True)
    return out.read_bytes(), seconds


def _measured(
    server: Server, sound: tuple[bytes, float] | None, has_model: bool, count: int
) -> Gap:
    gap = Gap()
    with ExitStack() as stack:
        link = _open(server, stack.enter_context(_model()) if has_model else None)
        # The first one has everything loaded, and is not counted.
        for number in range(count + 1):
            one = Gap() if number == 0 else gap
            _answer(PlainParticipant(server, link), sound, one)
    [(gap.heard,)] = server.ask(
        """SELECT count(*) FROM events AS heard JOIN events AS said USING (interview_id)
           WHERE heard.kind = 'heard' AND said.kind = 'said' AND heard.position < said.position"""
    )
    return gap


@contextmanager
def _model() -> Iterator[str]:
    def answer(request: Request) -> None:
        time.sleep(MODEL_TAKES)
        request.writes(json.dumps(REPLY))

    with stub_server() as stub:
        stub.answer = answer
        yield stub.url


def _open(server: Server, model: str | None) -> str:
    """A study that is open, and the model as the moderator's if there is one."""
    with inside(server):
        ada = db.session.scalar(db.select(Researcher))
        ada = ada or add_researcher("Ada", "ada@example.org", "correct horse battery staple")
        study = Study.start(ada, title="Bench", camera=Camera.DISABLED)
        study.revise_guide(
            [
                Question(id="q1", text="What was the search like?", follow_up=FollowUp.ALWAYS),
                Question(id="q2", text="And then?", follow_up=FollowUp.NEVER),
            ]
        )
        study.open()
        if model:
            vault = Vault(server.data / "secrets", partial(kept, server.data / "master-key"))
            Service.set(Kind.LANGUAGE_MODEL, vault, url=model, model="stub", key="", is_on=True)
        db.session.commit()
        return f"/i/{study.invitation.token}"


def _answer(guest: PlainParticipant, sound: tuple[bytes, float] | None, gap: Gap) -> None:
    shown = guest.asks("GET", guest.room).text
    found = re.search(r'name="csrf-token" content="([^"]+)"', shown)
    assert found, "the room has no token"
    page = guest.asks("POST", f"{guest.room}/arrivals", '{"place": "bench"}', _json(found[1]))
    assert page.status == 200, page
    guest.asks("GET", f"{guest.room}/question")
    form = {"key": "one", "to": "1", "csrf_token": found[1]}
    if sound is None:
        form |= {"manner": "typed", "text": "It was confusing"}
        _finish(guest, form, gap, time.monotonic())
        return
    data, seconds = sound
    part = guest.starts_part(key="one")
    cut = round(len(data) * (1 - TAIL / seconds))
    guest.sends(part, data[:cut], **_until(seconds - TAIL))
    form |= {"manner": "spoken", "part": "one", "begins_ms": "0"}
    form |= {"ends_ms": str(round(1000 * seconds))}

    def send_the_rest() -> float:
        answer = guest.sends(part, data[cut:], cut, **_until(seconds))
        assert answer.status == 204, answer
        return time.monotonic()

    with ThreadPoolExecutor(1) as pool:
        # The page does both at once, too.
        began = time.monotonic()
        rest = pool.submit(send_the_rest)
        _finish(guest, form, gap, began)
        gap.stages["upload"].append(rest.result() - began)


def _finish(guest: PlainParticipant, form: dict[str, str], gap: Gap, began: float) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = guest.asks("POST", f"{guest.room}/turns", urlencode(form), kind)
    assert answer.status == 200, answer
    gap.stages["question"].append(time.monotonic() - began)
    for name, dur in re.findall(r"(\w+);dur=([\d.]+)", answer.headers["Server-Timing"]):
        gap.stages[name].append(float(dur) / 1000)
    sound = guest.asks("GET", f"{guest.room}/turns/3/speech", headers={"Accept": "audio/ogg"})
    assert sound.status == 200, sound
    gap.stages["first sound"].append(time.monotonic() - began)


def _until(seconds: float) -> dict[str, str]:
    return {"Recorded-Until": str(round(1000 * seconds))}


def _json(token: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "X-CSRFToken": token}


def _show(title: str, gap: Gap) -> None:
    table = Table(f"From Done to what comes next: {title}", *("", "p50", "p95", "longest"))
    for name, what in STAGES.items():
        if values := gap.stages.get(name):
            shares = [percentile(values, share) for share in (0.5, 0.95, 1.0)]
            table.add(f"{name}: {what}", *map(ms, shares))
    if gap.stages.get("upload"):
        table.note(f"Heard before it was decided: {gap.heard} of {len(gap.stages['upload']) + 1}.")
    table.note("To reach: the next question within 1.5 s spoken, 0.3 s typed (p95, scripted).")
    table.show()
