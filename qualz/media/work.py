"""Rough seconds of work that lie ahead, to weigh the stages of a merge against one another."""

from __future__ import annotations

from qualz.media.decoding import decoded_seconds
from qualz.media.plan import Plan, Step

# For a second of media; that of pictures is for 640×480.
COPYING, DECODING = 0.002, 0.02
RE_ENCODING_PICTURE, RE_ENCODING_SOUND = 0.15, 0.01
FILLING_UP = 0.5  # for a part, however long

_USUAL = 640 * 480


def in_all(plan: Plan) -> float:
    return sum(of_step(step, plan) for step in plan.steps) + of_join(plan) + of_verifying(plan)


def of_step(step: Step, plan: Plan) -> float:
    if plan.as_they_are:
        return 0.0
    work = COPYING * step.probe.duration + FILLING_UP * step.fills_up
    if step.sound == "re-encoded":
        work += RE_ENCODING_SOUND * step.probe.duration
    if step.picture == "re-encoded" and plan.video:
        area = plan.video.width * plan.video.height / _USUAL
        work += RE_ENCODING_PICTURE * area * step.probe.duration
    return work


def of_join(plan: Plan) -> float:
    return COPYING * plan.duration


def of_verifying(plan: Plan) -> float:
    return COPYING * plan.duration + DECODING * decoded_seconds(plan.steps)
