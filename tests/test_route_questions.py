"""Every address is asked the same questions: by somebody who has not signed in, who looks only, who
may not see the study, who left the team, by another participant, with another's token, and for
another study. A new route fails here until `route_answers` says who may ask it."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import g
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from qualz.database import db
from tests.queries import asked
from tests.route_answers import EVENTS, ROUTES, Kind, kind_of
from tests.route_world import SAFE, SAID, World, world

__all__ = ["world"]

# What nobody may read who may not see the study: its title, its tag, a name, what was said.
HIDDEN = ("Secret bees", "Waggle", "Queen Pia", "honey from the attic", "Buzzing remark")


def rules(world: World, *kinds: Kind) -> Iterator[tuple[Rule, str]]:
    for rule in world.app.url_map.iter_rules():
        if kind_of(rule.endpoint) in kinds:
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
                yield rule, method


def tells_nothing(answer: TestResponse) -> bool:
    return not any(word in answer.text for word in HIDDEN)


IN_STUDY = (Kind.LOOK, Kind.CHANGE, Kind.GOVERN, Kind.UNCOVER)
WORKPLACE = (*IN_STUDY, Kind.MEMBER, Kind.OWN, Kind.MAKE, Kind.WORKSPACE)


def test_somebody_said_of_every_route_who_may_ask_it(world: World):
    endpoints = {rule.endpoint for rule in world.app.url_map.iter_rules()}
    told = [name for names in ROUTES.values() for name in names.split()]
    assert sorted(told) == sorted(endpoints)


def test_who_has_not_signed_in_is_led_to_do_so(world: World):
    for who in ("nobody", "lena who left"):
        for rule, method in rules(world, *WORKPLACE):
            answer = world.asks(who, rule, method)
            assert answer.status_code == 302, (who, rule, method)
            assert answer.location.startswith("/sign-in"), (who, rule, method)
            assert tells_nothing(answer)


def test_to_who_may_not_see_the_study_it_does_not_exist(world: World):
    for who in ("olaf without access", "gus the guest"):
        for rule, method in rules(world, *IN_STUDY):
            answer = world.asks(who, rule, method)
            assert answer.status_code == 404, (who, rule, method)
            assert tells_nothing(answer), (who, rule, method)


def test_nothing_that_they_may_open_tells_of_it_either(world: World):
    for rule, method in rules(world, Kind.MEMBER, Kind.MAKE, Kind.WORKSPACE, Kind.OWN):
        if method in SAFE:
            answer = world.asks("olaf without access", rule, method)
            assert answer.status_code < 500, rule
            assert tells_nothing(answer), rule


def test_a_viewer_looks_at_all_of_the_study(world: World):
    for rule, method in rules(world, Kind.LOOK, Kind.MEMBER):
        if method in SAFE:
            assert world.asks("vera the viewer", rule, method).status_code < 400, rule


# That somebody looked is written down, and when they were here.
OF_LOOKING = ("audit_", "sign_ins", "api_tokens")


def test_looking_changes_nothing(world: World):
    looked = 0
    for rule, method in rules(world, *WORKPLACE):
        if method not in SAFE:
            continue
        with asked() as statements:
            answer = world.asks("ada the owner", rule, method)
        for statement in statements:
            verb, *words = statement.split()
            table = words[verb != "UPDATE"] if verb in ("INSERT", "UPDATE", "DELETE") else None
            assert table is None or table.startswith(OF_LOOKING), (rule, statement)
        looked += answer.status_code < 400
    assert looked > 70


@pytest.mark.parametrize(
    ("who", "beyond"),
    [
        ("vera the viewer", {Kind.CHANGE, Kind.GOVERN, Kind.UNCOVER, Kind.MAKE, Kind.WORKSPACE}),
        ("rosa the researcher", {Kind.GOVERN, Kind.UNCOVER, Kind.WORKSPACE}),
    ],
)
def test_pages_offer_nobody_what_they_may_not_do(world: World, who: str, beyond: set[Kind]):
    at, offered = world.app.url_map.bind("localhost"), 0
    for rule, method in rules(world, Kind.LOOK, Kind.MEMBER):
        answer = world.asks(who, rule, method) if method in SAFE else None
        if answer is None or answer.mimetype != "text/html" or answer.status_code != 200:
            continue
        for way, address in addresses_in(answer.text):
            try:
                endpoint, _ = at.match(address, method=way)
            except HTTPException:
                continue
            assert kind_of(endpoint) not in beyond, (rule, way, address)
            offered += 1
    assert offered > 100


def addresses_in(page: str) -> list[tuple[str, str]]:
    """What can be followed, pressed and sent from there: the method and the path."""
    found: list[tuple[str, str]] = []

    class Finder(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = {name: text or "" for name, text in attrs}
            for name in ("get", "post", "put", "delete"):
                if address := given.get(f"hx-{name}"):
                    found.append((name.upper(), urlsplit(address).path))
            if tag == "a" and given.get("href", "").startswith("/"):
                found.append(("GET", urlsplit(given["href"]).path))
            if tag == "form" and "action" in given:
                found.append((given.get("method", "get").upper(), urlsplit(given["action"]).path))

    Finder().feed(page)
    return found


def test_a_viewer_changes_nothing(world: World):
    before = world.counts()
    for rule, method in rules(world, Kind.CHANGE, Kind.GOVERN, Kind.UNCOVER, Kind.MAKE):
        answer = world.asks("vera the viewer", rule, method)
        assert answer.status_code == 403, (rule, method)
        assert "may" in answer.text or "look" in answer.text
    assert world.counts() == before


def test_what_is_the_whole_workspaces_is_for_owners_and_admins(world: World):
    for who in ("rosa the researcher", "vera the viewer", "olaf without access"):
        for rule, method in rules(world, Kind.WORKSPACE):
            answer = world.asks(who, rule, method)
            assert answer.status_code == 403, (who, rule, method)
            assert "owners and admins" in answer.text


def test_what_is_somebodys_own_is_nobody_elses(world: World):
    for who in ("ada the owner", "vera the viewer", "olaf without access"):
        for rule, method in rules(world, Kind.OWN):
            assert world.asks(who, rule, method).status_code == 404, (who, rule, method)


def test_who_sees_a_study_is_not_every_researchers_to_say(world: World):
    for rule, method in rules(world, Kind.GOVERN, Kind.UNCOVER):
        assert world.asks("rosa the researcher", rule, method).status_code == 403, rule


def test_whoever_may_is_let_through(world: World):
    """With nothing sent along, so that some are told what is missing; and no form breaks."""
    may = {
        Kind.LOOK: "rosa the researcher",
        Kind.CHANGE: "rosa the researcher",
        Kind.MEMBER: "rosa the researcher",
        Kind.OWN: "rosa the researcher",
        Kind.MAKE: "olaf without access",
        Kind.GOVERN: "adam the admin",
        Kind.UNCOVER: "adam the admin",
        Kind.WORKSPACE: "adam the admin",
    }
    for kind, who in may.items():
        for rule, method in rules(world, kind):
            answer = world.asks(who, rule, method)
            assert answer.status_code < 500, (rule, method)
            is_gone = rule.endpoint == "dashboard.voice_sample"
            assert is_gone or answer.status_code not in (401, 403, 404), (rule, method)
            assert "/sign-in" not in (answer.location or "") or "sign_out" in rule.endpoint
            if method not in SAFE and answer.status_code < 400:
                world.is_made_anew()


def test_nothing_of_one_study_is_had_under_the_address_of_another(world: World):
    """By somebody who may see both."""
    for rule, method in rules(world, *IN_STUDY):
        if "study_id" in rule.arguments and len(rule.arguments - {"step", "form", "question"}) > 1:
            before = world.counts()
            answer = world.asks("ada the owner", rule, method, study_id=world.other_study)
            assert tells_nothing(answer), (rule, method)
            if answer.status_code != 404:
                # What is not there is deleted already: that is what was wanted.
                assert method == "DELETE", (rule, answer.status_code)
                assert world.counts() == before, rule


def test_nothing_of_one_interview_is_had_under_the_address_of_another(world: World):
    paul = world.named["paul"]
    for rule, method in rules(world, *IN_STUDY):
        if {"study_id", "interview_id"} < rule.arguments - {"form"}:
            before = world.counts()
            answer = world.asks("ada the owner", rule, method, interview_id=paul)
            assert SAID not in answer.text, (rule, method)
            if answer.status_code != 404:
                assert method == "DELETE", (rule, answer.status_code)
                assert world.counts() == before, rule


def test_nobody_is_in_the_room_of_another_participant(world: World):
    for who in ("paul the participant", "nobody", "ada the owner"):
        for rule, method in rules(world, Kind.ROOM):
            answer = world.asks(who, rule, method)
            assert answer.status_code in (401, 403, 404, 410), (who, rule, method)
            assert tells_nothing(answer), (who, rule, method)
    paul = world.named["paul"]
    before = world.counts()
    for rule, method in rules(world, Kind.ROOM):
        if "upload" in rule.arguments:
            answer = world.asks("paul the participant", rule, method, public_id=paul)
            assert answer.status_code in (404, 405, 412), (rule, method, answer.status_code)
    assert world.counts() == before


def test_a_participant_is_in_their_own_room(world: World):
    for rule, method in rules(world, Kind.ROOM):
        if method in SAFE:
            answer = world.asks("pia the participant", rule, method)
            assert answer.status_code < 500, rule
            assert answer.status_code not in (401, 403), rule


def test_a_token_reads_what_its_maker_may_see(world: World):
    for who, status in (("rosa the researcher", 200), ("vera the viewer", 200)):
        for rule, method in rules(world, Kind.TOKEN, Kind.TOKEN_LOOK):
            assert world.asks(who, rule, method).status_code == status, (who, rule)
    for who, lists, looks in (
        ("olaf without access", 200, 404),
        ("nobody", 401, 401),
        ("lena who left", 401, 401),
    ):
        for rule, method in rules(world, Kind.TOKEN, Kind.TOKEN_LOOK):
            answer = world.asks(who, rule, method)
            wanted = lists if kind_of(rule.endpoint) is Kind.TOKEN else looks
            assert answer.status_code == wanted, (who, rule)
            assert tells_nothing(answer), (who, rule)


def test_what_is_open_to_all_breaks_for_nobody(world: World):
    for rule, method in rules(world, Kind.OPEN):
        answer = world.asks("nobody", rule, method)
        # There is no Redis here, and that is what it is asked for.
        assert answer.status_code < 500 or rule.endpoint == "readyz", (rule, method)
        if method not in SAFE:
            world.is_made_anew()


def test_somebody_said_of_every_event_of_the_sockets_who_is_heard(world: World):
    handlers = world.app.extensions["socketio"].server.namespace_handlers
    found = {
        name: {each for each in vars(type(handler)) if each.startswith("on_")}
        for name, handler in handlers.items()
    }
    assert found == EVENTS


@pytest.mark.parametrize(
    ("who", "hears"),
    [
        ("rosa the researcher", True),
        ("vera the viewer", True),
        ("adam the admin", True),
        ("olaf without access", False),
        ("gus the guest", False),
        ("lena who left", False),
        ("nobody", False),
    ],
)
def test_the_socket_of_a_study_is_for_those_who_may_see_it(world: World, who: str, hears: bool):
    ear = _listens(world, who, "/workplace", {"study": world.named["study_id"]})
    assert ear.is_connected("/workplace") is hears


def test_the_socket_of_a_room_is_for_its_participant(world: World):
    for who, hears in (("pia the participant", True), ("paul the participant", False)):
        asked = {"interview": world.named["public_id"], "place": "here"}
        assert _listens(world, who, "/room", asked).is_connected("/room") is hears, who


def test_the_socket_ends_with_the_access(world: World):
    ear = _listens(world, "vera the viewer", "/workplace", {"study": world.named["study_id"]})
    rule = next(rule for rule, _ in rules(world, Kind.GOVERN))
    answer = world.browsers["ada the owner"].post(
        rule.build({"study_id": world.named["study_id"]})[1],
        data={"seen_by": "chosen", "people": [world.named["rosa"]]},
    )
    assert answer.status_code == 303
    assert not ear.is_connected("/workplace")
    again = _listens(world, "vera the viewer", "/workplace", {"study": world.named["study_id"]})
    assert not again.is_connected("/workplace")
    world.is_made_anew()


def _listens(world: World, who: str, namespace: str, auth: dict[str, str]) -> Any:
    db.session.remove()
    g.pop("_login_user", None)
    return world.app.extensions["socketio"].test_client(
        world.app, namespace=namespace, auth=auth, flask_test_client=world.browsers[who]
    )
