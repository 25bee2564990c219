"""The team: its roles, its invitations, and who is told of what."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qualz import clock, duplication, team, telling
from qualz.database import db
from qualz.errors import LastOwner, LinkUnusable, NotAllowed, NotFound
from qualz.interview import Interview
from qualz.mail import Mail
from qualz.notification import Notification, NotificationChoice
from qualz.researcher import Researcher
from qualz.role import Role
from qualz.study import Study
from qualz.study_access import StudyAccess
from qualz.team_invitation import AddressTaken, TeamInvitation
from tests.conftest import add_researcher

ACCOUNT = {"name": "Vera", "email": "vera@example.org", "password": "correct horse battery"}


@pytest.fixture
def rosa(ada: Researcher) -> Researcher:
    return add_researcher("Rosa", "rosa@example.org")


@pytest.fixture
def gus(ada: Researcher) -> Researcher:
    """A guest."""
    return add_researcher("Gus", "gus@example.org", role=Role.VIEWER, is_guest=True)


def sees(person: Researcher, study: Study) -> bool:
    try:
        return Study.of(person, study.public_id) is study
    except NotFound:
        return False


def tells(*, by_mail: bool = False) -> set[str]:
    """Who has something new to read."""
    told = telling.hand_on(by_mail=by_mail, hold=timedelta(), address="http://localhost")
    db.session.commit()
    return {team.person(one).name for one in told}


def test_a_study_is_seen_by_the_team_but_by_no_guest(
    study: Study, ada: Researcher, rosa: Researcher, gus: Researcher
):
    assert [sees(one, study) for one in (ada, rosa, gus)] == [True, True, False]
    StudyAccess.let_in(study, [gus])
    db.session.commit()
    assert sees(gus, study)


def test_a_study_for_chosen_people_is_seen_by_them_its_maker_and_those_who_manage(
    ada: Researcher, rosa: Researcher, gus: Researcher
):
    adam = add_researcher("Adam", "adam@example.org", role=Role.ADMIN)
    olaf = add_researcher("Olaf", "olaf@example.org")
    study = Study.start(rosa, title="Bees", is_for_team=False)
    db.session.flush()
    StudyAccess.choose(study, [gus], is_for_team=False)
    db.session.commit()
    assert {one.name for one in study.audience} == {"Ada", "Adam", "Rosa", "Gus"}
    assert not sees(olaf, study)
    team.remove(gus, by=ada)
    team.change(adam, role=Role.VIEWER, is_guest=True, by=ada)
    db.session.commit()
    assert {one.name for one in study.audience} == {"Ada", "Rosa"}
    assert not sees(gus, study)


def test_only_owners_touch_owners_and_admins(ada: Researcher, rosa: Researcher, gus: Researcher):
    adam = add_researcher("Adam", "adam@example.org", role=Role.ADMIN)
    team.change(rosa, role=Role.VIEWER, is_guest=False, by=adam)
    for refused in (
        lambda: team.change(rosa, role=Role.ADMIN, is_guest=False, by=adam),
        lambda: team.change(ada, role=Role.VIEWER, is_guest=False, by=adam),
        lambda: team.remove(adam, by=adam),
        lambda: team.remove(gus, by=rosa),
        lambda: TeamInvitation.create(by=adam, role=Role.ADMIN),
        lambda: TeamInvitation.create(by=rosa, role=Role.VIEWER),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_one_owner_always_remains(ada: Researcher, rosa: Researcher):
    for refused in (
        lambda: team.remove(ada, by=ada),
        lambda: team.change(ada, role=Role.ADMIN, is_guest=False, by=ada),
    ):
        with pytest.raises(LastOwner):
            refused()
    team.change(rosa, role=Role.OWNER, is_guest=False, by=ada)
    db.session.commit()
    team.change(ada, role=Role.ADMIN, is_guest=False, by=ada)
    db.session.commit()
    assert ada.role is Role.ADMIN
    with pytest.raises(LastOwner):
        team.remove(rosa, by=rosa)


def test_an_invitation_works_once(ada: Researcher, study: Study):
    invitation, token = TeamInvitation.create(
        by=ada, role=Role.VIEWER, is_guest=True, studies=[study]
    )
    db.session.commit()
    assert token not in str(vars(invitation))
    with pytest.raises(AddressTaken):
        invitation.join(**{**ACCOUNT, "email": " Ada@example.org"})
    vera = TeamInvitation.opened_by(token).join(**ACCOUNT)
    db.session.commit()
    assert (vera.role, vera.is_guest, sees(vera, study)) == (Role.VIEWER, True, True)
    assert Researcher.signing_in(ACCOUNT["email"], ACCOUNT["password"]) is vera
    with pytest.raises(LinkUnusable):
        TeamInvitation.opened_by(token)
    with pytest.raises(LinkUnusable):
        invitation.join(**{**ACCOUNT, "email": "second@example.org"})


def test_an_invitation_ends_by_time_by_revocation_and_with_whoever_made_it(
    ada: Researcher, rosa: Researcher
):
    _, token = TeamInvitation.create(by=ada, role=Role.VIEWER)
    db.session.commit()
    with (
        time_machine.travel(clock.now() + timedelta(days=7, seconds=1)),
        pytest.raises(LinkUnusable),
    ):
        TeamInvitation.opened_by(token)
    TeamInvitation.opened_by(token).revoke()
    team.change(rosa, role=Role.ADMIN, is_guest=False, by=ada)
    db.session.commit()
    _, of_rosa = TeamInvitation.create(by=rosa, role=Role.VIEWER)
    db.session.commit()
    TeamInvitation.opened_by(of_rosa)
    team.remove(rosa, by=ada)
    db.session.commit()
    for over in (token, of_rosa):
        with pytest.raises(LinkUnusable):
            TeamInvitation.opened_by(over)


def test_who_left_signs_in_no_more_until_they_are_let_back(ada: Researcher, rosa: Researcher):
    team.remove(rosa, by=ada)
    db.session.commit()
    assert Researcher.signing_in("rosa@example.org", "correct horse battery") is None
    team.let_back(rosa, by=ada)
    db.session.commit()
    assert Researcher.signing_in("rosa@example.org", "correct horse battery") is rosa


def test_nobody_is_told_of_a_study_that_they_may_not_see(
    app: Flask, study: Study, interview: Interview, rosa: Researcher, gus: Researcher
):
    interview.complete()
    db.session.commit()
    assert tells() == {"Ada", "Rosa"}
    assert Notification.unread(rosa) == 1
    StudyAccess.choose(study, [], is_for_team=False)
    interview.reopen()
    interview.complete()
    db.session.commit()
    assert tells() == {"Ada"}
    # Nor do they read on of what they were told before.
    assert Notification.unread(rosa) == 0
    assert Notification.newest(rosa, 10) == []


def test_mails_go_to_the_maker_and_to_who_chose_so(
    study: Study, interview: Interview, ada: Researcher, rosa: Researcher, gus: Researcher
):
    olaf = add_researcher("Olaf", "olaf@example.org")
    for one in (olaf, gus):
        NotificationChoice.set(one.id, app=[], mail=["interview.completed"])
    NotificationChoice.set(ada.id, app=[], mail=["interview.completed"])
    interview.complete()
    db.session.commit()
    tells(by_mail=True)
    assert {one.researcher.name for one in db.session.scalars(select(Mail))} == {"Ada", "Olaf"}
    # Who is shut out before it was sent gets none.
    StudyAccess.choose(study, [], is_for_team=False)
    db.session.commit()
    written = db.session.scalars(select(Mail.id).where(Mail.researcher_id == olaf.id)).one()
    to_olaf = Mail.claim(written, lease_for=timedelta(minutes=1))
    assert to_olaf
    to_olaf.run(post=Letterbox(), address="http://localhost")  # type: ignore[arg-type]
    assert to_olaf.reason == "They may not see the study any more."


class Letterbox:
    """Where nothing may arrive."""

    def send(self, **letter: str) -> None:
        raise AssertionError(letter)


def test_a_copy_is_its_makers_and_is_seen_by_the_same_people(
    app: Flask, study: Study, ada: Researcher, rosa: Researcher, gus: Researcher
):
    StudyAccess.choose(study, [rosa, gus], is_for_team=False)
    db.session.commit()
    copy = duplication.duplicate(study, app.extensions["storage"], by=rosa)
    db.session.commit()
    assert copy.researcher is rosa
    olaf = add_researcher("Olaf", "olaf@example.org")
    assert [sees(one, copy) for one in (ada, rosa, gus, olaf)] == [True, True, True, False]
