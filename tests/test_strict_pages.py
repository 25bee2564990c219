"""Every page, whatever somebody typed: strict headers, nothing inline, nothing of theirs runs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree, html
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from qualz.answers_link import AnswersLink
from qualz.api_token import ApiToken
from qualz.comment import Comment
from qualz.database import db
from qualz.export import FORMULA
from qualz.guide import Section
from qualz.happening import Happening, Kind
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.notification import Notification
from qualz.part import Part
from qualz.people import Person
from qualz.personal_link import PersonalLink
from qualz.question import Option, Question
from qualz.recording import Recording
from qualz.researcher import Researcher
from qualz.resume_link import ResumeLink
from qualz.study import Study
from qualz.tag import Tag
from qualz.turn import Act, Manner, Speaker, Turn
from qualz.webhook import Webhook
from tests.dashboard.conftest import HTMX, Browser, finish, record, signed_in

__all__ = ["finish", "record"]

# What breaks out of attributes, elements, templates, formulas, cues, comments, and lines of text.
HOSTILE = (
    '=HYPERLINK("http://x") \'"><img src=x onerror=alert(1)><script>alert(1)</script> {{7*191}} '
    "--> <!-- \u202egpj.exe\u2066 javascript:alert(1)"
)
BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}

World = dict[str, str]
Answered = tuple[str, Rule, TestResponse]


@pytest.fixture
def world(
    app: Flask,
    ada: Researcher,
    study: Study,
    interview: Interview,
    record: Callable[..., Part],
    finish: Callable[..., Recording],
) -> World:
    """All that people can type is hostile. What its addresses are made of, by name."""
    part = record(interview)
    ada.name = HOSTILE[:120]
    for name in ("title", "objective", "consent_text", "ending_text"):
        setattr(study, name, HOSTILE)
    option = Option(id="o1", text=HOSTILE)
    study.revise_guide(
        [
            Section(
                id="s1",
                title=HOSTILE,
                questions=(
                    Question(id="q1", text=HOSTILE, probes=(HOSTILE,), goals=(HOSTILE,)),
                    Question(id="q2", text=HOSTILE, options=(option, Option(id="o2", text="No"))),
                ),
            )
        ]
    )
    study.parameters = ["PID"]
    interview.parameters = {"PID": HOSTILE}
    asked = Turn(speaker=Speaker.MODERATOR, act=Act.QUESTION, question_id="q1", text=HOSTILE)
    said = Turn(
        speaker=Speaker.PARTICIPANT,
        manner=Manner.SPOKEN,
        text=HOSTILE,
        part=part,
        begins_ms=1000,
        ends_ms=4000,
    )
    for turn in (asked, said):
        interview._append(turn)
    (tag,) = Tag.chosen(study, [], HOSTILE[:40])
    db.session.flush()
    highlight = Highlight.mark(said, 0, HOSTILE, by=ada)
    highlight.note(HOSTILE, [tag])
    comment = Comment.write(said, HOSTILE, by=ada)
    interview.tags = [tag]
    interview.rename(HOSTILE)
    finish(interview)
    _, resume = ResumeLink.create(interview, validity=timedelta(days=7))
    _, theirs = AnswersLink.create(interview, validity=timedelta(days=7))
    ((link, personal),) = PersonalLink.create(
        study, [Person(name=HOSTILE[:100], email="=cmd|x@example.org")]
    )
    token, _ = ApiToken.create(ada, HOSTILE[:120], validity=None)
    webhook, _ = Webhook.add(
        ada, "https://example.org/?'\"><script>", Kind, app.extensions["vault"]
    )
    happening = Happening(interview=interview, kind=Kind.COMPLETED, occurrence="event-9")
    news = Notification(researcher_id=ada.id, happening=happening)
    db.session.add_all([happening, news])
    db.session.commit()
    return {
        "study_id": study.public_id,
        "interview_id": interview.public_id,
        "public_id": interview.public_id,
        "part_id": part.public_id,
        "highlight_id": highlight.public_id,
        "comment_id": comment.public_id,
        "tag_id": tag.public_id,
        "link_id": link.public_id,
        "token_id": token.public_id,
        "webhook_id": webhook.public_id,
        "notification_id": news.public_id,
        "number": str(said.position),
        "position": str(asked.position),
        "merge_id": "1",
        "step": "guide",
        "form": "md",
        "question": "q1",
        "filename": "css/base.css",
        "room.welcome": study.invitation.token,
        "room.agree": study.invitation.token,
        **dict.fromkeys(("room.answers", "room.take_back", "room.take_back_all"), theirs),
        "room.resume": resume,
        "room.use_resume_link": resume,
        "room.personal": personal,
        "room.use_personal_link": personal,
    }


def address_of(app: Flask, rule: Rule, world: World) -> str:
    """What names nothing that is there leads to a page as well: one that says so."""
    values = {name: world.get(name, "1") for name in rule.arguments}
    if "token" in values:
        values["token"] = world.get(rule.endpoint, "guessed")
    if rule.endpoint in ("dashboard.revoke_resume_link", "dashboard.revoke_answers_link"):
        values["link_id"] = "1"
    return app.url_map.bind("localhost").build(rule.endpoint, values)


def rules(app: Flask, methods: set[str]) -> Iterator[tuple[Rule, str]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) & methods):
            yield rule, method


# What shows the words of its own address.
REFLECTING = {
    "dashboard.audit_log",
    "dashboard.highlights",
    "dashboard.sign_in",
    "dashboard.studies",
    "dashboard.transcripts",
    "room.welcome",
}
QUERY = dict.fromkeys(("q", "state", "tag", "tagged", "next", "first", "study", "PID"), HOSTILE)


def answers(app: Flask, ada: Researcher, world: World) -> Iterator[Answered]:
    """Of all that can be asked for: as a page, as a piece of one, and with a hostile question."""
    browser = signed_in(app, ada)
    begun = app.test_client()
    _into_the_room(app, begun, world)
    for rule, method in rules(app, {"GET"}):
        # The parts of the page about design are those of the others.
        if rule.endpoint in ("dashboard.design", "static"):
            continue
        by = begun if rule.endpoint.startswith("room.") else browser
        asked: list[dict[str, Any]] = [{}]
        if rule.endpoint.startswith("dashboard."):
            asked.append({"headers": HTMX})
        if rule.endpoint in REFLECTING:
            asked.append({"query_string": QUERY})
        for how in asked:
            with by.open(address_of(app, rule, world), method=method, **how) as answer:
                yield f"{rule} {[*how]}", rule, answer


def _into_the_room(app: Flask, browser: FlaskClient, world: World) -> None:
    answer = browser.post(f"/r/{world['room.resume']}")
    assert answer.status_code == 303, answer.text


def test_every_page_is_strict_and_nothing_that_was_typed_becomes_part_of_it(
    app: Flask, ada: Researcher, world: World
):
    good = hostile = 0
    for place, rule, answer in answers(app, ada, world):
        _demand_strict(place, rule, answer)
        good += answer.status_code == 200
        if answer.mimetype != "text/html" or not answer.text.strip():
            continue
        nonce = re.search(r"'nonce-([\w-]+)'", answer.headers["Content-Security-Policy"])
        for element in html.fromstring(f"<div>{answer.text}</div>").iter(etree.Element):
            _demand_harmless(place, element, nonce[1] if nonce else "")
        assert "1337" not in re.sub(r'"[\w-]{16,}"', "", answer.text), place
        hostile += "onerror=" in answer.text
    # Else the world has become too small for this to tell anything.
    assert good > 90, good
    assert hostile > 40, hostile


def _demand_strict(place: str, rule: Rule, answer: TestResponse) -> None:
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe-" not in policy, place
    assert "default-src 'none'" in policy, place
    assert answer.headers["X-Content-Type-Options"] == "nosniff", place
    is_secret = rule.endpoint.startswith("room.") or "token" in rule.arguments
    referrer = answer.headers["Referrer-Policy"]
    assert referrer == ("no-referrer" if is_secret else "same-origin"), place
    devices = answer.headers["Permissions-Policy"]
    assert ("microphone=()" in devices) is (rule.endpoint != "room.enter"), place
    assert "geolocation=()" in devices, place
    if answer.mimetype == "text/html":
        assert answer.headers["Cache-Control"] == "no-store", place
        assert "frame-ancestors 'none'" in policy, place


def _demand_harmless(place: str, element: Any, nonce: str) -> None:
    told = f"{place}: {etree.tostring(element)[:200]!r}"
    for name, value in element.attrib.items():
        assert not name.startswith(("on", "hx-on", "style")), told
        if name in ("href", "src", "action", "formaction", "hx-get", "hx-post", "poster", "data"):
            assert not re.match(r"\s*(javascript|data|vbscript):", value, re.I), told
    assert element.tag not in ("style", "base", "object", "embed", "iframe", "applet"), told
    if element.tag == "img":
        assert element.get("src") != "x", told
    if element.tag == "script" and "src" not in element.attrib:
        is_data = (element.get("type") or "").endswith("json")
        assert is_data or element.get("nonce") == nonce, told
        assert "alert(1)</" not in (element.text or ""), told


FORMS = ("docx", "vtt", "srt", "txt", "md", "csv", "json")


def test_exports_and_their_names_are_harmless(app: Flask, ada: Researcher, world: World):
    browser = signed_in(app, ada)
    study = f"/studies/{world['study_id']}"
    place = f"{study}/transcripts/{world['interview_id']}"
    media = f"/media/full-sessions/{world['interview_id']}?download"
    wanted = [*(f"{place}/export/{form}" for form in FORMS), media]
    wanted += [f"{study}/highlights.csv", f"{study}/personal-links.csv"]
    for address in wanted:
        answer = browser.get(address)
        assert answer.status_code == 200, address
        name = answer.headers["Content-Disposition"]
        assert name.startswith("attachment"), address
        assert not set(name) & set("\r\n<>\0"), name
        assert not BIDI.search(name), name
        assert "%E2%80%AE" not in name, name
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        CHECKS.get(answer.mimetype, lambda _: None)(answer.data)
        answer.close()


def _no_formula(data: bytes) -> None:
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert len(rows) > 1
    for row in rows:
        for cell in row:
            assert not FORMULA.match(cell.lstrip(" ")), cell


def _no_foreign_cue(data: bytes) -> None:
    for line in data.decode().splitlines():
        assert "<img" not in line
        assert line.count("-->") == 0 or re.fullmatch(r"[\d:.]+ --> [\d:.]+", line), line


def _no_html(data: bytes) -> None:
    assert not re.search(r"(?<!\\)<(img|script)", data.decode())


def _no_foreign_markup(data: bytes) -> None:
    with ZipFile(io.BytesIO(data)) as document:
        names = document.namelist()
        text = document.read("word/document.xml")
        links = document.read("word/_rels/document.xml.rels")
    tree = etree.fromstring(text, etree.XMLParser(resolve_entities=False, no_network=True))
    assert "alert(1)" in "".join(tree.itertext())
    assert b"instrText" not in text
    assert b"hyperlink" not in links.replace(b"relationships/hyperlinkBase", b"")
    assert not [name for name in names if name.endswith((".bin", ".html"))]


CHECKS: dict[str | None, Callable[[bytes], None]] = {
    "text/csv": _no_formula,
    "text/vtt": _no_foreign_cue,
    "text/markdown": _no_html,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": _no_foreign_markup,
}


# ---- changes


def test_nothing_is_changed_from_another_site(app: Flask, ada: Researcher, world: World):
    """Whatever route is added: a form of another site, sent with our cookies, is refused.

    Those that tus clients use want tus's own header instead of a form's token, for no page of
    another site sends it without asking first, and nobody is answered that they may. The end of
    an upload wants neither: it is a PUT, of which the same is true.
    """
    browser, begun = signed_in(app, ada), app.test_client()
    _into_the_room(app, begun, world)
    app.config["WTF_CSRF_ENABLED"] = True
    seen = 0
    for rule, method in rules(app, UNSAFE):
        by = begun if rule.endpoint.startswith(("room.", "uploads.")) else browser
        for foreign in ({}, {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}):
            answer = by.open(address_of(app, rule, world), method=method, headers=foreign)
            refused = 412 if rule.endpoint.startswith("uploads.") else 400
            if rule.endpoint != "uploads.close":
                assert answer.status_code == refused, (rule, method, foreign)
            assert "Access-Control-Allow-Origin" not in answer.headers
            seen += 1
    assert seen > 100
    assert db.session.query(Interview).count() == 1


def test_cookies_are_kept_from_scripts_and_from_other_sites_and_plain_connections(
    settings: Any, ada: Researcher, study: Study
):
    from dataclasses import replace

    from qualz.application import create_app

    app = create_app(replace(settings, public_url="https://qualz.example.org"))
    app.test_client_class = Browser
    app.config["WTF_CSRF_ENABLED"] = False
    form = {"email": "ada@example.org", "password": "correct horse battery"}
    signing_in = app.test_client().post("/sign-in", data=form, base_url="https://localhost")
    link = f"/i/{study.invitation.token}"
    door = app.test_client().get(link)
    shown = door.text.split('name="shown" value="')[1].split('"')[0]
    consent = app.test_client().post(link, data={"shown": shown, "consent": "yes"})
    for answer in (signing_in, consent):
        cookies = answer.headers.getlist("Set-Cookie")
        assert cookies
        for cookie in cookies:
            for word in ("HttpOnly", "Secure", "SameSite=Lax"):
                assert word in cookie, cookie
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
