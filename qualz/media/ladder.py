"""Ways to merge the same parts, each for those that the one before could not take."""

from __future__ import annotations

import logging
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from qualz.media import work
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.join import join
from qualz.media.normalise import Piece, as_it_is, normalise, piece_path
from qualz.media.plan import Plan, Source, Step, plan
from qualz.media.prepared import NOTHING, Prepared
from qualz.media.probe import Probe, Unreadable
from qualz.media.progress import Meter
from qualz.media.salvage import is_damaged, salvage
from qualz.media.splice import splice
from qualz.media.target import CannotMerge
from qualz.media.verify import Broken, verify

log = logging.getLogger(__name__)


class _NothingPrepared(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Result:
    plan: Plan
    pieces: Sequence[Piece]
    path: Path
    damage: dict[int, str]  # by the part's number


@dataclass(frozen=True, slots=True)
class Ladder:
    """Each rung costs more than the one before, and asks less of the parts."""

    sources: list[Source]
    probes: list[Probe | Unreadable]
    workspace: Path
    ffmpeg: FFmpeg
    title: str
    recorded_at: datetime | None
    meter: Meter
    prepared: Prepared = NOTHING
    made: dict[Path, tuple[Plan, Piece]] = field(default_factory=dict)

    def replace(self, number: int, source: Source, probe: Probe) -> None:
        """Merge another file in the place of a part; what was made of that is forgotten."""
        self.sources[number] = source
        self._put(number, probe)

    def leave_out(self, number: int, reason: Unreadable) -> None:
        self._put(number, reason)

    def _put(self, number: int, probe: Probe | Unreadable) -> None:
        self.probes[number] = probe
        for path in self.workspace.glob(f"piece-{number:04}.*"):
            path.unlink()
            self.made.pop(path, None)

    def climb(self, chosen: Plan) -> Result:
        """Raises `CannotMerge` with what was wrong at first, if nothing helps."""
        first: CannotMerge | None = None
        for rung in (
            self.as_prepared,
            self.as_planned,
            self.with_care,
            self.with_the_damaged_re_encoded,
            self.without_the_damaged,
            self.with_all_re_encoded,
        ):
            try:
                return rung(chosen)
            except _NothingPrepared:
                continue
            except (Broken, Failed, CannotMerge) as reason:
                log.warning("merging %s: %s", rung.__name__.replace("_", " "), reason)
                first = first or CannotMerge(f"the merged file was not right: {reason}")
        assert first  # nosec B101 # tells the type checker what is so
        raise first

    def as_prepared(self, chosen: Plan) -> Result:
        """With what was made of some parts when they were closed."""
        if chosen.as_they_are:
            raise _NothingPrepared
        ready = {
            step.index: piece
            for step in chosen.steps
            if (piece := self.prepared.piece(step, chosen, self.workspace))
        }
        if not ready:
            raise _NothingPrepared
        for piece in ready.values():
            # What an earlier climb made under that name is not there any more.
            self.made.pop(piece.path, None)
        pieces = [ready.get(step.index) or self._piece(step, chosen) for step in chosen.steps]
        return self._joined(chosen, pieces)

    def as_planned(self, chosen: Plan) -> Result:
        if chosen.as_they_are:
            return self._spliced(chosen)
        return self._joined(chosen, self._rewritten(chosen))

    def with_care(self, chosen: Plan) -> Result:
        """Takes damaged parts as they come out when they are rewritten."""
        rewritten = self._rewritten(chosen)
        pieces = [salvage(piece, self.ffmpeg, self.meter.beat) for piece in rewritten]
        return self._joined(chosen, pieces)

    def with_the_damaged_re_encoded(self, chosen: Plan) -> Result:
        """What a decoder makes of damage can be joined, where the damage itself cannot."""
        damaged = self._damaged(chosen)
        again = plan(self.sources, self.probes, damaged, because="it is damaged")
        return self._joined(again, self._rewritten(again))

    def without_the_damaged(self, chosen: Plan) -> Result:
        """One bad part must not cost all the good ones."""
        damaged = self._damaged(chosen)
        reason = Unreadable("it is too damaged to be joined to the others")
        probes = [reason if index in damaged else found for index, found in enumerate(self.probes)]
        fewer = plan(self.sources, probes)
        return self._joined(fewer, self._rewritten(fewer))

    def with_all_re_encoded(self, chosen: Plan) -> Result:
        every = range(len(self.sources))
        again = plan(self.sources, self.probes, every, because="it could not be joined by copying")
        return self._joined(again, self._rewritten(again))

    def _damaged(self, chosen: Plan) -> Collection[int]:
        """Numbers of the damaged parts. Raises `Broken` if there are none."""
        damaged = {
            step.index for step in chosen.steps if is_damaged(step, self.ffmpeg, self.meter.beat)
        }
        if not damaged:
            raise Broken("no part is damaged")
        return damaged

    def _rewritten(self, chosen: Plan) -> list[Piece]:
        return [self._piece(step, chosen) for step in chosen.steps]

    def _piece(self, step: Step, chosen: Plan) -> Piece:
        """One rung's work serves the next where it would be the same."""
        path = piece_path(step, chosen, self.workspace)
        if path in self.made:
            for_plan, piece = self.made[path]
            wanted = (chosen.container, chosen.video, chosen.audio)
            same_target = (for_plan.container, for_plan.video, for_plan.audio) == wanted
            if same_target and (piece.step.picture, piece.step.sound) == (step.picture, step.sound):
                return replace(piece, step=step)
        # It may be another name of what was prepared, which is not to be written over.
        path.unlink(missing_ok=True)
        piece = normalise(
            step,
            chosen,
            self.workspace,
            ffmpeg=self.ffmpeg,
            on_progress=self.meter.stage(work.of_step(step, chosen)),
        )
        self.made[path] = (chosen, piece)
        return piece

    def _spliced(self, chosen: Plan) -> Result:
        pieces = [as_it_is(step) for step in chosen.steps]
        try:
            path = splice(
                pieces,
                chosen,
                self.workspace,
                title=self.title,
                recorded_at=self.recorded_at,
                on_progress=self.meter.stage(work.of_join(chosen)),
            )
        except (struct.error, ValueError, OverflowError, MemoryError) as nonsense:
            raise CannotMerge(f"a part holds numbers that make no sense: {nonsense}") from nonsense
        return self._verified(path, chosen, pieces)

    def _joined(self, chosen: Plan, pieces: Sequence[Piece]) -> Result:
        path = join(
            pieces,
            chosen,
            self.workspace,
            ffmpeg=self.ffmpeg,
            title=self.title,
            recorded_at=self.recorded_at,
            on_progress=self.meter.stage(work.of_join(chosen)),
        )
        return self._verified(path, chosen, pieces)

    def _verified(self, path: Path, chosen: Plan, pieces: Sequence[Piece]) -> Result:
        damage = verify(
            path,
            pieces,
            chosen,
            ffmpeg=self.ffmpeg,
            on_progress=self.meter.stage(work.of_verifying(chosen)),
        )
        return Result(chosen, pieces, path, damage)
