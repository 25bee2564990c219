"""Holds the database and the files against each other: what only one of them knows, and what is to
be done about it. Safe while Qualz runs: what changes meanwhile is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from sqlalchemy import select, update

from qualz.backups.finding import Finding
from qualz.backups.strays import strays
from qualz.bundle import Bundle
from qualz.database import db, rows_changed
from qualz.derivative import Derivative
from qualz.excerpt import Excerpt
from qualz.guide import Guide
from qualz.interview import Interview
from qualz.leased import ANEW, Leased
from qualz.media.storage import Storage
from qualz.part import Part, file_of
from qualz.recording import Recording, folder_of
from qualz.rendition import Rendition
from qualz.settings import Settings

BEING_MADE = (Recording.State.WAITING, Recording.State.MERGING)
ENDED = (Recording.State.READY, Recording.State.FAILED)
LOST = "lost from the server's disk"


def reconcile(
    settings: Settings, storage: Storage, *, mend: bool
) -> Iterator[tuple[Finding, bool]]:
    """Each finding, and whether it is mended by now. Commits."""
    looks: list[Callable[[Storage], Iterator[Finding]]] = [
        _parts,
        _full_sessions,
        _originals,
        _illustrations,
        _made,
        _bundles,
        _stimuli,
        partial(strays, settings.data),
    ]
    for look in looks:
        for finding in look(storage):
            is_mended = mend and finding.mend is not None and finding.mend()
            db.session.commit()
            yield finding, is_mended


# ---- parts: what was recorded


def _parts(storage: Storage) -> Iterator[Finding]:
    what = (Part.id, Part.number, Part.public_id, Part.reported_type, Part.bytes_durable)
    known = (Part.closed_at, Part.length, Part.shelved)
    rows = db.session.execute(
        select(Interview.public_id, *what, *known)
        .join(Recording, Recording.interview_id == Interview.id)
        .join(Part, Part.recording_id == Recording.id)
        .order_by(Part.id)
    ).all()
    db.session.commit()
    for interview, part_id, number, part, kind, durable, closed_at, length, shelved in rows:
        file = shelved or file_of(folder_of(interview), number, part, kind)
        size, name = storage.size(file), f"Part {number} of interview {interview}"
        if size < durable:
            yield from _shorter(name, part_id, file, size, durable, storage)
        elif closed_at is not None and durable < min(size, length or size):
            # One that is open grows at this very moment, and tells its sender how far it is.
            claim = partial(_claim, part_id, file, length, storage)
            text = f"{name}: {size - durable} bytes in its file were never written down."
            yield Finding(text, "They are counted in, and the Full Session is made anew.", claim)


def _shorter(
    name: str, part_id: int, file: str, size: int, durable: int, storage: Storage
) -> Iterator[Finding]:
    """Nothing brings bytes back but a backup; a Full Session that holds them still is kept."""
    part = db.session.get(Part, part_id, populate_existing=True)
    if part is None or storage.size(part.kept_as) >= part.bytes_durable:
        return
    words = f"{durable - size} of its {durable} bytes are {LOST}"
    if part.damage != words:
        what = "its file is gone" if not size else f"its file {file} is too short"
        text = f"{name}: {what}; {words}. Look for it in a backup."
        yield Finding(text, "That is noted with the part.", partial(_note, part_id, words))


def _note(part_id: int, words: str) -> bool:
    return rows_changed(update(Part).where(Part.id == part_id).values(damage=words)) == 1


def _claim(part_id: int, file: str, length: int | None, storage: Storage) -> bool:
    durable = storage.sync(file)
    part = db.session.get(Part, part_id, populate_existing=True)
    if part is None:
        return False
    part.note_durable(min(durable, length or durable))
    return True


# ---- what is made of them


def _full_sessions(storage: Storage) -> Iterator[Finding]:
    held = (Recording.id, Recording.full_session, Interview.public_id)
    named = select(*held).join(Interview).where(Recording.full_session.is_not(None))
    rows = db.session.execute(named.where(Recording.state.not_in(BEING_MADE))).all()
    db.session.commit()
    for recording_id, file, interview in rows:
        if not storage.size(file or "") and _still_names(recording_id, file):
            yield Finding(
                f"The Full Session of interview {interview}: its file {file} is gone.",
                "It is merged anew out of its parts.",
                partial(_merge_anew, recording_id, file),
            )


def _still_names(recording_id: int, file: str | None) -> bool:
    is_named = select(Recording.id).where(
        Recording.id == recording_id, Recording.full_session == file
    )
    return db.session.scalar(is_named) is not None


def _merge_anew(recording_id: int, file: str | None) -> bool:
    """The sweep begins it when it is due. A merge that began meanwhile makes another one anyway."""
    nothing = dict.fromkeys(("full_session", "full_session_type", "report", "ready_at"))
    as_it_was = (Recording.id == recording_id, Recording.full_session == file)
    forgotten = rows_changed(
        update(Recording)
        .where(*as_it_was, Recording.state.not_in(BEING_MADE))
        .values(state=Recording.State.NONE, reason=None, illustrated=None, **nothing)
    )
    return forgotten == 1


def _originals(storage: Storage) -> Iterator[Finding]:
    """Where what plays is a redacted copy. One that is being merged anew is made with that."""
    ended = Recording.state.in_(ENDED)
    named = select(Recording.id, Recording.original, Interview.public_id).join(Interview)
    rows = db.session.execute(named.where(Recording.original.is_not(None), ended)).all()
    db.session.commit()
    for recording_id, file, interview in rows:
        if not storage.size(file or ""):
            yield Finding(
                f"The original of interview {interview}, before it was redacted: {file} is gone.",
                "It is merged anew out of its parts.",
                partial(_original_anew, recording_id, file),
            )


def _original_anew(recording_id: int, file: str | None) -> bool:
    """The redacted copy plays until then."""
    as_it_was = (Recording.id == recording_id, Recording.original == file)
    stale = update(Recording).where(*as_it_was, Recording.state.in_(ENDED))
    return rows_changed(stale.values(state=Recording.State.STALE, reason=None)) == 1


def _illustrations(storage: Storage) -> Iterator[Finding]:
    """By the peaks: not every picture can be made into a poster."""
    made = Recording.illustrated.is_not(None) & (Recording.illustrated == Recording.full_session)
    for recording_id, file in db.session.execute(
        select(Recording.id, Recording.full_session).where(made)
    ).all():
        peaks = f"{(file or '').rpartition('.')[0]}.peaks"
        if storage.size(file or "") and not storage.exists(peaks):
            yield Finding(
                f"The waveform {peaks} is gone.",
                "It is drawn anew, the poster with it.",
                partial(_draw_anew, recording_id, file),
            )


def _draw_anew(recording_id: int, file: str | None) -> bool:
    as_it_was = (Recording.id == recording_id, Recording.illustrated == file)
    return rows_changed(update(Recording).where(*as_it_was).values(illustrated=None)) == 1


def _made(storage: Storage) -> Iterator[Finding]:
    kinds: tuple[type[Derivative], ...] = (Rendition, Excerpt)
    for kind in kinds:
        done = select(kind.id, kind.file).where(kind.state == Leased.State.DONE)
        for work_id, file in db.session.execute(done).all():
            if not storage.size(file or "") and _is_current(kind, work_id, file):
                yield Finding(
                    f"A download that was made, {file}, is gone.",
                    "It is made anew.",
                    partial(_make_anew, kind, work_id, file),
                )


def _is_current(kind: type[Derivative], work_id: int, file: str | None) -> bool:
    """What is of an earlier Full Session goes by itself."""
    found = db.session.get(kind, work_id, populate_existing=True)
    return found is not None and found.file == file and found.is_ready


def _make_anew(kind: type[Derivative], work_id: int, file: str | None) -> bool:
    done = (kind.id == work_id, kind.file == file, kind.state == Leased.State.DONE)
    return rows_changed(update(kind).where(*done).values(file=None, **ANEW)) == 1


def _bundles(storage: Storage) -> Iterator[Finding]:
    done = select(Bundle.id, Bundle.file).where(Bundle.state == Leased.State.DONE)
    for bundle_id, file in db.session.execute(done).all():
        if not storage.size(file or ""):
            yield Finding(
                f"An export, {file}, is gone.",
                "Its row says so; it can be made anew.",
                partial(_withdraw, bundle_id, file),
            )


def _withdraw(bundle_id: int, file: str | None) -> bool:
    told = {"state": Leased.State.FAILED, "reason": "Its file is gone. Export again.", "file": None}
    as_it_was = (Bundle.id == bundle_id, Bundle.file == file, Bundle.state == Leased.State.DONE)
    return rows_changed(update(Bundle).where(*as_it_was).values(**told)) == 1


def _stimuli(storage: Storage) -> Iterator[Finding]:
    """Of the guide that a study has now: earlier ones were shown what was there then."""
    seen: set[str] = set()
    for guide in db.session.scalars(select(Guide).order_by(Guide.id)):
        for question in guide.questions:
            shown = question.stimulus
            if shown is None or not shown.file or shown.source in seen:
                continue
            seen.add(shown.source)
            if not storage.exists(shown.source):
                yield Finding(
                    f"A picture or film that a guide of “{guide.study.name}” shows is gone: "
                    f"{shown.source}. Choose it again in the guide, or look in a backup."
                )
