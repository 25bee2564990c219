"""The list of interviews: searched, filtered, in order, page by page, all of it in the address."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from qualz import clock
from qualz.bundle import Bundle
from qualz.database import db
from qualz.interview import Interview
from qualz.search import Searchable, found_by, words_of
from qualz.study import Study
from qualz.turn import Manner, Speaker, Turn
from tests.conftest import add_researcher
from tests.dashboard.conftest import HTMX, of
from tests.queries import asked

Begin = Callable[..., Interview]


@pytest.fixture
def begin(study: Study) -> Begin:
    """An interview in which somebody said something."""

    def begin(said: str = "", *, name: str = "", state: str = "completed") -> Interview:
        interview = Interview.begin(study.invitation)
        db.session.flush()
        if said:
            interview._append(Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text=said))
        if name:
            interview.rename(name)
        interview.state = Interview.State(state)
        db.session.commit()
        return interview

    return begin


def listed(page: str) -> list[str]:
    return re.findall(r'row__label" [^>]+>([^<]+)</a>', page)


def search(adas: FlaskClient, study: Study, **asked: str) -> list[str]:
    answer = adas.get(f"/studies/{study.public_id}/transcripts", query_string=asked)
    assert answer.status_code == 200
    return listed(answer.text)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("toolbar", ["Participant 2"]),
        ("TOOL", ["Participant 2"]),
        ("menu toolbar", ["Participant 2"]),
        ("menu", ["Participant 3", "Participant 2"]),
        ("olbar", []),
        ("uber", ["Participant 3"]),
        ("prefería", ["Participant 3"]),
        ("müller", ["Frau Müller"]),
        ("participant 1", ["Frau Müller"]),
        ("\"menu' OR -* (", []),
        ("*", ["Frau Müller", "Participant 3", "Participant 2"]),
        ("searchables_index", []),
    ],
)
def test_interviews_are_found_by_name_and_by_words_spoken(
    adas: FlaskClient, study: Study, begin: Begin, query: str, found: list[str]
):
    first = begin("Nothing much")
    begin("The menu hides the toolbar.")
    begin("El menú… prefería über alles")
    first.rename("Frau  Müller ")
    db.session.commit()
    assert sorted(search(adas, study, q=query)) == sorted(found)


def test_what_was_heard_later_and_what_was_renamed_is_found_and_what_it_replaced_is_not(
    adas: FlaskClient, study: Study, begin: Begin
):
    interview = begin("mumbling", name="Draft name")
    interview.heard(interview.turns[0], "A clear sentence")
    interview.rename("Grace")
    db.session.commit()
    assert search(adas, study, q="sentence") == search(adas, study, q="grace") == ["Grace"]
    assert search(adas, study, q="mumbling") == search(adas, study, q="draft") == []


def test_what_a_deleted_interview_said_is_in_no_index(begin: Begin):
    db.session.delete(begin("unforgettable"))
    db.session.commit()
    found = found_by("unforgettable")
    assert found is not None
    assert db.session.scalars(found).all() == []
    assert db.session.scalars(select(Searchable)).all() == []


def test_another_studys_words_are_not_found(adas: FlaskClient, study: Study, begin: Begin):
    begin("secret plan")
    other = Study.start(add_researcher("Eve", "eve@example.org"), title="Other")
    other.revise_guide(study.guide.questions)
    other.open()
    theirs = Interview.begin(other.invitation)
    db.session.flush()
    theirs._append(Turn(speaker=Speaker.PARTICIPANT, manner=Manner.TYPED, text="secret recipe"))
    db.session.commit()
    assert search(adas, study, q="secret") == ["Participant 1"]
    assert search(adas, study, q="recipe") == []


def test_words_are_folded_alike_wherever_they_come_from():
    assert words_of("Él prefería   ＦＵＬＬ straße_2 l’été") == [
        "el", "preferia", "full", "strasse", "2", "l", "ete",
    ]  # fmt: skip


def test_the_list_is_narrowed_to_a_state_and_says_to_how_many(
    adas: FlaskClient, study: Study, begin: Begin
):
    begin("menu")
    begin("menu", state="interrupted")
    begin("other", state="interrupted")
    page = adas.get(f"/studies/{study.public_id}/transcripts?state=interrupted&q=menu").text
    assert listed(page) == ["Participant 2"]
    assert "1 of 3 interviews" in page
    assert '<option value="interrupted" selected>' in page
    assert 'value="menu"' in page


def test_what_is_not_found_says_why_and_what_to_do(adas: FlaskClient, study: Study, begin: Begin):
    begin("menu")
    page = adas.get(f"/studies/{study.public_id}/transcripts?q=nobody").text
    assert "No interview fits" in page
    assert "Show all interviews" in page
    assert "No interviews yet" not in page


def test_pages_lead_on_and_back_past_gaps_and_miss_nobody(
    adas: FlaskClient, study: Study, begin: Begin
):
    for number in range(1, 107):
        interview = begin("menu")
        interview.name = None if number % 4 else f"Zoë {number % 5} {number}"
        interview.recording.report = {"duration": float(number % 9)} if number % 2 else None
        interview.last_seen_at = None if number % 3 else clock.now() - timedelta(seconds=number % 7)
    for gone in (4, 50, 51, 77):
        db.session.delete(db.session.scalars(select(Interview).filter_by(number=gone)).one())
    db.session.commit()
    for sort in ("newest", "oldest", "active", "longest", "name"):
        check_its_pages(adas, f"/studies/{study.public_id}/transcripts?sort={sort}&q=menu")


def check_its_pages(adas: FlaskClient, first: str) -> None:
    address: str | None = first
    pages, seen = [], []
    while address:
        page = adas.get(address).text
        pages.append(listed(page))
        seen += pages[-1]
        links = re.findall(
            r'<a href="([^"]+)">(?:<span[^>]*>.*?</span>)?\s*(?:Older|Newer|Next|Previous)', page
        )
        onward = [link for link in links if _leads_on(page, link)]
        address = onward[0].replace("&amp;", "&") if onward else None
    assert [len(page) for page in pages] == [50, 50, 2], first
    assert len(set(seen)) == 102, first
    back = re.search(r'<nav class="rows__pages[^>]*>\s*<a href="([^"]+)"', page)
    assert back
    assert listed(adas.get(back[1].replace("&amp;", "&")).text) == pages[1]


def _leads_on(page: str, link: str) -> bool:
    nav = page[page.index('class="rows__pages') :]
    return nav.index(link) > nav.index("</span>") or "<span></span>" in nav


def test_a_place_that_nobody_understands_is_the_beginning(
    adas: FlaskClient, study: Study, begin: Begin
):
    begin()
    for first in ("x", "-1", "9" * 40, "1-2-3", "١٢"):
        for sort in ("newest", "active", "longest", "name", "nonsense"):
            assert search(adas, study, first=first, sort=sort) == ["Participant 1"]


def test_the_list_is_narrowed_by_day_length_and_camera_and_each_filter_can_be_taken_away(
    adas: FlaskClient, study: Study, begin: Begin
):
    for day, minutes, camera in ((1, 3.0, True), (2, 12.0, False), (3, 30.0, True)):
        interview = begin("menu")
        interview.consented_at = datetime(2026, 3, day, 23, 59, tzinfo=UTC)
        interview.recording.report = {"duration": 60 * minutes, "parts": []}
        part = interview.recording.start_part(key="k", reported_type="video/webm")
        part.bytes_durable, part.has_camera = 9, camera
    begin("nothing recorded").consented_at = datetime(2026, 3, 9, tzinfo=UTC)
    db.session.commit()
    one, two, three = (f"Participant {number}" for number in (1, 2, 3))
    assert search(adas, study, **{"from": "2026-03-02", "to": "2026-03-03"}) == [three, two]
    assert search(adas, study, longer="5") == [three, two]
    assert search(adas, study, shorter="15", longer="5") == [two]
    assert search(adas, study, camera="with") == [three, one]
    assert search(adas, study, camera="without") == [two]
    assert search(adas, study, sort="longest")[:3] == [three, two, one]
    for nonsense in ({"from": "soon"}, {"longer": "-5"}, {"shorter": "0"}, {"camera": "maybe"}):
        assert len(search(adas, study, **nonsense)) == 4
    asked = {"longer": "5", "camera": "with", "q": "menu", "sort": "name"}
    page = adas.get(f"/studies/{study.public_id}/transcripts", query_string=asked).text
    assert 'transcripts?q=menu&amp;camera=with&amp;sort=name"><' in page
    assert "Longer than 5 min" in page
    assert 'data-asked="q=menu&amp;longer=5&amp;camera=with"' in page
    asked = {"longer": "50", "camera": "with"}
    nothing = adas.get(f"/studies/{study.public_id}/transcripts", query_string=asked).text
    assert "Take one of them away" in nothing
    form = {"all": "1", "longer": "5", "camera": "with", "form": "txt", "chosen": "1"}
    assert adas.post(f"/studies/{study.public_id}/exports", data=form).status_code == 303
    assert Bundle.all_of(study)[0].asked == 1


def test_what_is_typed_stays_in_the_address_beside_what_is_open(
    adas: FlaskClient, study: Study, begin: Begin
):
    interview = begin("menu")
    asked = {"q": " menu ", "state": "", "sort": "newest", "chosen": interview.public_id}
    typed = {**HTMX, "HX-Trigger": "filters"}
    rows = f"/studies/{study.public_id}/transcripts/rows"
    answer = adas.get(rows, query_string=asked, headers=typed)
    assert answer.headers["HX-Replace-Url"] == of(study, interview) + "?q=menu"
    assert f"{of(study, interview)}?q=menu" in answer.text
    answer = adas.get(rows, query_string={"q": "", "sort": "oldest"}, headers=typed)
    assert answer.headers["HX-Replace-Url"] == f"/studies/{study.public_id}/transcripts?sort=oldest"
    # A look every few seconds says nothing about the address.
    assert "HX-Replace-Url" not in adas.get(rows, query_string=asked, headers=HTMX).headers


def test_closing_the_detail_answers_the_list_without_a_chosen_row(
    adas: FlaskClient, study: Study, begin: Begin
):
    begin("menu")
    answer = adas.get(f"/studies/{study.public_id}/transcripts?q=menu", headers=HTMX).text
    assert "<!doctype html>" not in answer
    assert 'id="detail"' in answer
    assert 'hx-swap-oob="outerHTML"' in answer
    assert "aria-current" not in answer


def test_a_searched_list_of_fifty_takes_a_handful_of_queries(
    adas: FlaskClient, study: Study, begin: Begin
):
    for _ in range(60):
        begin("menu")
    address = f"/studies/{study.public_id}/transcripts/rows?q=menu&first=55"
    # The first time, it is written into the audit log that the list was looked at.
    adas.get(address, headers=HTMX)
    with asked() as statements:
        adas.get(address, headers=HTMX)
    assert len(statements) < 13, statements


def test_any_character_can_be_searched_for(adas: FlaskClient, study: Study):
    """Python and the databases' indexes do not agree on what a letter is."""
    ideographs = [*range(0x3400, 0xA000), *range(0xAC00, 0xD7A4)]
    codes = sorted({*range(128, 0x20000)} - {*ideographs[1:]})
    letters = [chr(code) for code in codes if chr(code).isalnum()]
    for first in range(0, len(letters), 10):
        found = found_by(" ".join(f"a{letter}b" for letter in letters[first : first + 10]))
        assert found is not None
        db.session.execute(found).all()


def test_vowel_signs_do_not_part_a_word(adas: FlaskClient, study: Study, begin: Begin):
    begin("मुझे हिन्दी पसंद है")
    begin("हम नदी के पास रहते हैं")
    assert search(adas, study, q="हिन्दी") == ["Participant 1"]
