"""Personal links: made for one person or for a list, watched, revoked and made anew."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from qualz import broadcasts, file_names
from qualz.dashboard import chips, dashboard
from qualz.dashboard.access import find_study
from qualz.dashboard.invitations import absolute, share_page
from qualz.dashboard.partials import is_partial, refreshed
from qualz.dashboard.people_forms import ListForm, PersonForm
from qualz.dashboard.people_lists import page_of
from qualz.database import db
from qualz.errors import NotFound
from qualz.export import defused
from qualz.people import Person
from qualz.personal_link import PersonalLink
from qualz.study import Study


@dashboard.get("/studies/<study_id>/personal-links")
def personal_links(study_id: str) -> ResponseReturnValue:
    """The list alone, as it asks for itself."""
    study = find_study(study_id)
    if not is_partial():
        return redirect(url_for(".share", study_id=study_id, _anchor="personal-links"))
    return refreshed("dashboard/personal_links/_list.html", study=study, people=page_of(study))


@dashboard.post("/studies/<study_id>/personal-links")
def create_personal_links(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    return _of_a_list(study) if "text" in request.form else _of_a_person(study)


@dashboard.post("/studies/<study_id>/personal-links/<link_id>/renewals")
def renew_personal_link(study_id: str, link_id: str) -> ResponseReturnValue:
    link = _find(study_id, link_id)
    made = [(link, link.renew())]
    db.session.commit()
    broadcasts.study_changed(link.study)
    return _answer(link.study, made=made, is_renewed=True)


@dashboard.post("/studies/<study_id>/personal-links/<link_id>/revocation")
def revoke_personal_link(study_id: str, link_id: str) -> ResponseReturnValue:
    link = _find(study_id, link_id)
    link.revoke()
    db.session.commit()
    broadcasts.study_changed(link.study)
    return _answer(link.study, told=f"The link of {link.label} was revoked.")


@dashboard.delete("/studies/<study_id>/personal-links/<link_id>")
def remove_personal_link(study_id: str, link_id: str) -> ResponseReturnValue:
    """With the name and the address. One that has an interview goes with that."""
    link = _find(study_id, link_id)
    if link.interview:
        raise NotFound("This link has an interview. Delete that, and the link goes with it.")
    study, label = link.study, link.label
    db.session.delete(link)
    db.session.commit()
    broadcasts.study_changed(study)
    return _answer(study, told=f"{label} was removed from the list.")


@dashboard.get("/studies/<study_id>/personal-links.csv")
def export_personal_links(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    links, _ = PersonalLink.page_of(study, q="", page=1, size=1_000_000)
    heads = ["name", "e-mail", "state", "interview", "created", "opened", "begun", "completed"]
    name = file_names.safe(f"{study.name} - personal links") + ".csv"
    answer = Response(_csv([heads, *map(_cells, links)]), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _cells(link: PersonalLink) -> list[str]:
    interview = link.interview
    moments = [link.created_at, link.opened_at]
    moments += [interview.consented_at, interview.completed_at] if interview else [None, None]
    state = chips.of_personal_link(link).word
    label = interview.label if interview else ""
    return [link.name, link.email, state, label, *(at.isoformat() if at else "" for at in moments)]


# ---- making


def _of_a_person(study: Study) -> ResponseReturnValue:
    form = PersonForm(request.form)
    if form.validate() and form.person.email and form.person.key in PersonalLink.keys_in(study):
        form.refuse_known()
    if form.errors:
        return _answer(study, person_form=form, status=422)
    return _made(study, [form.person])


def _of_a_list(study: Study) -> ResponseReturnValue:
    form = ListForm(request.form)
    file = request.files.get("file")
    found = form.people_in(file.read() if file else b"", PersonalLink.keys_in(study))
    if found is None:
        return _answer(study, list_form=form, status=422)
    # What could not be read stays in the field, to be put right there.
    form.text.data = "\n".join(line.text for line in found.wrong)
    return _made(study, found.good, list_form=form, wrong=found.wrong)


def _made(study: Study, people: Sequence[Person], **shown: Any) -> ResponseReturnValue:
    made = PersonalLink.create(study, people)
    db.session.commit()
    if made:
        broadcasts.study_changed(study)
    return _answer(study, made=made, **shown)


def _answer(
    study: Study,
    *,
    made: Sequence[tuple[PersonalLink, str]] = (),
    status: int = 200,
    **shown: Any,
) -> ResponseReturnValue:
    """The part of the Share page that is about these links; the whole page without HTMX."""
    links = [
        (link.name, link.email, absolute(url_for("room.personal", token=token)))
        for link, token in made
    ]
    context = {
        **shown,
        "made": links,
        "made_file": _as_address([("name", "e-mail", "link"), *links]) if links else None,
    }
    # The addresses in it are secrets that are read once.
    return _page(study, context), status, {"Cache-Control": "no-store"}


def _page(study: Study, context: dict[str, Any]) -> str:
    if not is_partial():
        return share_page(study, **context)
    return render_template(
        "dashboard/personal_links/_section.html", study=study, people=page_of(study), **context
    )


def _find(study_id: str, link_id: str) -> PersonalLink:
    study = find_study(study_id)
    link = db.session.scalar(
        select(PersonalLink).where(
            PersonalLink.study_id == study.id, PersonalLink.public_id == link_id
        )
    )
    if link is None:
        raise NotFound("This study has no such link.")
    return link


# ---- files


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([defused(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _as_address(rows: Iterable[Sequence[str]]) -> str:
    """A file inside the page: the server could not write it a second time."""
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(_csv(rows)).decode()
