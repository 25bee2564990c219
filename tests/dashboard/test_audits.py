"""The audit log as it is written by what people do, and as it is read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from qualz import clock
from qualz.api_token import ApiToken
from qualz.audit_entry import AuditEntry, breaks
from qualz.audit_rules import LOGGED, NOT_LOGGED
from qualz.audit_subject import COLUMNS, HOLDERS
from qualz.auditing import VIEWING, Known
from qualz.database import db
from qualz.interview import Interview
from qualz.part import Part
from qualz.recording import Recording
from qualz.researcher import Researcher
from qualz.resume_link import ResumeLink
from qualz.study import Study
from tests.dashboard.conftest import of
from tests.dashboard.test_accounts import SIGN_IN
from tests.queries import asked
from tests.room.conftest import Participant


def told() -> list[str]:
    """What the log says, as sentences."""
    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    return [f"{one.who or one.by} {one.action} {one.object_kind}" for one in entries]


def newest() -> AuditEntry:
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()


def test_every_address_is_logged_or_says_why_not(app: Flask):
    """Whatever route is added: `audit_rules` has a line for it, and none for what is gone."""
    reasons = [endpoint for endpoints in NOT_LOGGED.values() for endpoint in endpoints]
    assert len(reasons) == len(set(reasons))
    assert not set(reasons) & set(LOGGED)
    assert {*reasons, *LOGGED} == set(app.view_functions)


def test_what_changes_something_is_never_left_out_for_showing_nothing(app: Flask):
    harmless = {"it shows nothing of an interview", "it would tell of itself"} | {
        reason for reason in NOT_LOGGED if reason.startswith(("it shows", "it only asks"))
    }
    for rule in app.url_map.iter_rules():
        for reason in harmless:
            if rule.endpoint in NOT_LOGGED[reason]:
                assert rule.methods <= {"GET", "HEAD", "OPTIONS"}, rule


def test_opening_an_interview_is_written_down_once_while_it_is_looked_at(
    adas: FlaskClient, study: Study, interview: Interview
):
    name = interview.public_id
    with time_machine.travel(clock.now(), tick=False) as clock_:
        for _ in range(3):
            assert adas.get(of(study, interview)).status_code == 200
            adas.get(of(study, interview, "/turns"))
        assert told() == ["Ada viewed interview"]
        clock_.shift(VIEWING + timedelta(seconds=1))
        adas.get(of(study, interview, "/turns"))
    assert told() == ["Ada viewed interview"] * 2
    entry = newest()
    assert (entry.interview, entry.study) == (name, study.public_id)
    assert entry.address == "127.0.0.1"


def test_a_page_that_looks_again_asks_the_log_once_whoever_wrote_it(
    adas: FlaskClient, app: Flask, study: Study, interview: Interview
):
    turns = of(study, interview, "/turns")
    adas.get(turns)
    # As in another process, or after a restart.
    app.extensions["audited"] = Known()
    for entries_asked_for in (1, 0, 0):
        with asked() as statements:
            assert adas.get(turns).status_code == 200
        assert sum("audit_entries" in one for one in statements) == entries_asked_for
    assert told() == ["Ada viewed interview"]


def test_playing_is_one_entry_however_many_pieces_and_wherever_it_begins(
    adas: FlaskClient,
    interview: Interview,
    record: Callable[..., Part],
    finish: Callable[..., Recording],
):
    clip, name = record(interview).public_id, interview.public_id
    finish(interview)
    # From its second byte, so that it does not look like the beginning.
    for first in (1, 100, 200):
        adas.get(f"/media/parts/{clip}", headers={"Range": f"bytes={first}-"}).close()
        adas.get(f"/media/full-sessions/{name}", headers={"Range": f"bytes={first}-"}).close()
    assert told() == ["Ada played clip", "Ada played full session"]
    adas.get(f"/media/full-sessions/{name}?download").close()
    adas.get(f"/media/full-sessions/{name}?download").close()
    assert told()[2:] == ["Ada downloaded full session"] * 2
    assert newest().interview == name


@pytest.mark.parametrize("name", HOLDERS)
def test_the_database_knows_whose_each_thing_is(app: Flask, name: str):
    assert db.session.execute(HOLDERS[name].where(COLUMNS[name] == "gone")).first() is None


def test_changes_exports_and_deletions_are_written_down_with_what_they_were_of(
    adas: FlaskClient, study: Study, interview: Interview
):
    place, names = of(study, interview), (study.public_id, interview.public_id)
    adas.get(f"{place}/export/csv").close()
    assert newest().detail == {"form": "csv"}
    adas.post(f"{place}/name", data={"name": "Grace Hopper"})
    adas.post(f"{place}/resume-links", data={"days": "7"})
    adas.post(f"/studies/{names[0]}/state", data={"state": "paused"})
    assert newest().detail == {"state": "paused"}
    adas.post(f"{place}/delete")
    assert (newest().study, newest().interview) == names
    assert told() == [
        "Ada exported transcript",
        "Ada changed name",
        "Ada reinvited interview",
        "Ada changed state of study",
        "Ada deleted interview",
    ]
    assert "Grace" not in str([one.told for one in db.session.scalars(select(AuditEntry))])


def test_many_that_are_deleted_at_once_are_each_named(
    adas: FlaskClient, study: Study, interview: Interview
):
    names = [interview.public_id, Interview.begin(study.invitation).public_id]
    db.session.commit()
    chosen = {"interview": names, "typed": "2"}
    adas.post(f"/studies/{study.public_id}/transcripts/chosen/deletion", data=chosen)
    assert newest().detail == {"count": 2, "interviews": names}
    assert newest().action == "deleted"


def test_what_was_refused_or_went_wrong_did_not_happen(
    adas: FlaskClient,
    strangers: FlaskClient,
    client: FlaskClient,
    study: Study,
    interview: Interview,
):
    for browser in (strangers, client):
        browser.get(of(study, interview))
        browser.post(of(study, interview, "/delete"))
    adas.post(f"/studies/{study.public_id}/delete", data={"typed": "something else"})
    assert told() == []


def test_signing_in_and_out_and_trying_to_is_written_down_without_what_was_typed(
    client: FlaskClient, ada: Researcher
):
    mine = ada.id
    client.post("/sign-in", data={**SIGN_IN, "password": "wrong horse battery"})
    client.post("/sign-in", data={**SIGN_IN, "password": "wrong horse battery"})
    assert newest().object_id == str(mine)
    client.post("/sign-in", data={"email": "hunter2@example.org", "password": "x" * 12})
    client.post("/sign-in", data=SIGN_IN)
    client.post("/sign-out")
    assert told() == [
        "nobody was refused sign-in",
        "nobody was refused sign-in",
        "Ada signed in account",
        "Ada signed out account",
    ]
    assert "hunter2" not in str([one.told for one in db.session.scalars(select(AuditEntry))])


def test_other_programs_are_named_by_their_token(
    app: Flask, client: FlaskClient, ada: Researcher, interview: Interview
):
    _, token = ApiToken.create(ada, "Panel sync", validity=None)
    name = interview.public_id
    db.session.commit()
    bearer = {"Authorization": f"Bearer {token}"}
    for _ in range(2):
        client.get(f"/api/v1/interviews/{name}", headers=bearer)
    client.get("/api/v1/interviews", headers={"Authorization": "Bearer qualz_guessed"})
    assert told() == ["Ada (Panel sync) viewed interview"]
    assert (newest().by, newest().interview) == ("api", name)


def test_participants_joining_returning_and_withdrawing_is_written_down_without_who_they_are(
    app: Flask, client: FlaskClient, study: Study
):
    somebody = Participant(client)
    interview = somebody.consents(study)
    name = interview.public_id
    _, token = ResumeLink.create(interview, validity=timedelta(days=7))
    db.session.commit()
    client.post(f"/r/{token}")
    client.put(f"{somebody.room}/withdrawal")
    assert told() == [f"participant {did} interview" for did in ("joined", "returned", "withdrew")]
    for entry in db.session.scalars(select(AuditEntry)):
        assert (entry.interview, entry.study) == (name, study.public_id)
        assert (entry.address, entry.who_id) == ("", None)
        assert token not in str(entry.told)


def test_what_cannot_be_written_down_is_not_shown(
    adas: FlaskClient, study: Study, interview: Interview
):
    db.session.execute(text("DROP TABLE audit_heads"))
    db.session.commit()
    answer = adas.get(of(study, interview))
    assert answer.status_code == 503
    assert "not shown" in answer.text
    # What is done is done, and whoever did it is told so.
    assert adas.post(of(study, interview, "/name"), data={"name": "G"}).status_code == 302


# ---- reading it


@pytest.fixture
def busy(adas: FlaskClient, study: Study, interview: Interview) -> Interview:
    adas.get(of(study, interview))
    adas.get(of(study, interview, "/export/md")).close()
    adas.post(of(study, interview, "/name"), data={"name": "Grace"})
    adas.post("/settings/api-tokens", data={"name": "Panel", "days": "30"})
    return interview


def rows(page: str) -> int:
    return page.count("audit__row")


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({}, 4),
        ({"action": "exported"}, 1),
        ({"who": "participant"}, 0),
        ({"who": "1"}, 4),
        ({"from": "2999-01-01"}, 0),
        ({"to": "2999-01-01"}, 4),
        ({"before": "3"}, 2),
        ({"who": "nonsense", "action": "x", "from": "y", "before": "-1"}, 4),
    ],
)
def test_it_is_narrowed_by_person_action_and_day(
    adas: FlaskClient, busy: Interview, asked: dict[str, str], count: int
):
    answer = adas.get("/settings/audit-log", query_string=asked)
    assert answer.status_code == 200
    assert rows(answer.text) == count


def test_it_is_narrowed_by_study_and_links_to_what_is_still_there(
    adas: FlaskClient, study: Study, busy: Interview
):
    page = adas.get("/settings/audit-log", query_string={"study": study.public_id}).text
    assert rows(page) == 3
    assert f'href="{of(study, busy)}"' in page
    gone = of(study, busy)
    adas.post(f"{gone}/delete")
    page = adas.get("/settings/audit-log").text
    assert f'href="{gone}"' not in page
    assert "an interview that is gone" in page


def test_it_goes_on_page_by_page(adas: FlaskClient, busy: Interview):
    for _ in range(56):
        AuditEntry.append(newest().action, "interview")
    db.session.commit()
    first = adas.get("/settings/audit-log").text
    assert rows(first) == 50
    assert "before=11" in first
    assert rows(adas.get("/settings/audit-log?before=11").text) == 10


def test_it_is_taken_away_as_it_is_kept(adas: FlaskClient, busy: Interview):
    kept = adas.get("/settings/audit-log/exports/jsonl?action=viewed")
    (line,) = map(json.loads, kept.text.splitlines())
    entry = db.session.get_one(AuditEntry, line["id"])
    assert line == {**entry.told, "hash": entry.hash}
    table: list[dict[str, Any]] = [
        *csv.DictReader(
            io.StringIO(adas.get("/settings/audit-log/exports/csv").text.removeprefix("\ufeff"))
        )
    ]
    assert [row["action"] for row in table][:4] == ["viewed", "exported", "changed", "created"]
    assert newest().object_kind == "audit log"
    assert list(breaks()) == []


def test_it_is_for_whoever_looks_after_the_workspace(
    adas: FlaskClient, strangers: FlaskClient, busy: Interview
):
    assert "Audit log" in adas.get("/studies").text
    assert "Audit log" not in strangers.get("/studies").text
    for address in (
        "/settings/audit-log",
        "/settings/audit-log/exports/csv",
        "/settings/audit-log/exports/jsonl",
    ):
        assert strangers.get(address).status_code == 403
