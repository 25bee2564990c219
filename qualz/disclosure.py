"""Disclosures: everything that is held about an interview, word for word, as JSON takes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from qualz import retention, transcript
from qualz.database import db
from qualz.happening import Happening
from qualz.interview import Interview
from qualz.part import Part
from qualz.personal_link import PersonalLink
from qualz.turn import Turn


def of(interview: Interview) -> dict[str, Any]:
    recording, kept = interview.recording, retention.kept(interview)
    return {
        "study": interview.study.name,
        "interview": interview.public_id,
        "number": interview.number,
        "called": interview.name,
        "state": interview.state.value,
        "language": interview.study.language,
        "agreed_at": _moment(interview.consented_at),
        "completed_at": _moment(interview.completed_at),
        "interrupted_at": _moment(interview.interrupted_at),
        "last_seen_at": _moment(interview.last_seen_at),
        "stopped_early": interview.ended_early,
        "screened_out": interview.screened_out,
        "camera": interview.camera.value,
        "consent": _consent(interview),
        "consent_text": interview.consent_text,
        "link_parameters": interview.parameters,
        "personal_link": _link(interview),
        "resume_links": [
            {
                "made_at": _moment(one.created_at),
                "expires_at": _moment(one.expires_at),
                "last_used_at": _moment(one.last_used_at),
            }
            for one in interview.resume_links
        ],
        "answers_links": [
            {
                "made_at": _moment(one.created_at),
                "expires_at": _moment(one.expires_at),
                "last_used_at": _moment(one.last_used_at),
            }
            for one in interview.answers_links
        ],
        "last_heartbeat": interview.heartbeat,
        "absences": [
            {
                "left_at": _moment(one.left_at),
                "returned_at": _moment(one.returned_at),
                "cause": one.cause,
            }
            for one in interview.drops
        ],
        "recording": {
            "state": recording.state.value,
            "seconds": recording.seconds,
            "deleted_at": _moment(recording.deleted_at),
            "parts": [_part(one) for one in recording.parts],
        },
        "tags": [tag.name for tag in interview.tags],
        "kept_beyond_the_rule": kept and kept.reason,
        "turns": [_turn(one) for one in transcript.turns_of(interview)],
        "events": [
            {"at": _moment(one.at), "kind": one.kind.value, "told": one.payload}
            for one in interview.events
        ],
        "notifications": [
            {"at": _moment(one.at), "kind": one.kind.value}
            for one in db.session.scalars(
                select(Happening)
                .where(Happening.interview_id == interview.id)
                .order_by(Happening.id)
            )
        ],
    }


def _consent(interview: Interview) -> dict[str, Any] | None:
    given = interview.consent
    if given is None:
        return None
    return {
        "given_at": _moment(given.given_at),
        "to_recording": given.to_recording,
        "to_camera": given.to_camera,
        "version": given.text.version,
        "sha256": given.text.digest,
        "shown": given.text.shown,
    }


def _link(interview: Interview) -> dict[str, Any] | None:
    link = PersonalLink.of(interview)
    if link is None:
        return None
    return {
        "name": link.name,
        "email": link.email,
        "made_at": _moment(link.created_at),
        "opened_at": _moment(link.opened_at),
        "revoked_at": _moment(link.revoked_at),
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "number": part.number,
        "type": part.reported_type,
        "device": part.device,
        "camera": part.has_camera,
        "started_at": _moment(part.started_at),
        "closed_at": _moment(part.closed_at),
        "ended_by": part.end_reason,
        "bytes": part.bytes_durable,
        "seconds": part.seconds,
    }


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "number": turn.position,
        "speaker": turn.speaker.value,
        "at": _moment(turn.said_at),
        "manner": turn.manner,
        "question": turn.question_id,
        "text": turn.text,
        "begins_ms": turn.begins_ms,
        "ends_ms": turn.ends_ms,
        "heard": [
            {"engine": one.engine, "text": one.text, "words": one.words, "state": one.state.value}
            for one in turn.hearings
        ],
        "corrections": [
            {"at": _moment(one.made_at), "by": one.by, "text": one.text, "before": one.original}
            for one in turn.corrections
        ],
        "highlights": [
            {
                "at": _moment(one.made_at),
                "by": one.by,
                "quote": one.quote,
                "tags": [tag.name for tag in one.tags],
                "comment": one.comment,
            }
            for one in turn.highlights
        ],
        "comments": [
            {"at": _moment(one.made_at), "by": one.by, "text": one.text} for one in turn.comments
        ],
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
