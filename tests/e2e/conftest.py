"""Two real browsers and a real server, as a new user would have them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from qualz.core import create_core
from qualz.database import db
from qualz.guide import FollowUp, Question
from qualz.interview import Interview
from qualz.researcher import Researcher as Account
from qualz.resume_link import ResumeLink
from qualz.settings import Settings
from qualz.study import Study
from qualz.tools import find_chromium
from tests.conftest import add_researcher
from tests.e2e.actors import PASSWORD, SLOW, Actor, Participant, Researcher, Traveller
from tests.e2e.proxy import Network
from tests.e2e.server import Server

QUESTIONS = ["What happened?", "And then?"]
# A busy machine takes its time, and that is no fault.
expect.set_options(timeout=SLOW)
SPEECH = Path(__file__).parent.parent / "samples" / "speech.wav"
ARGUMENTS = [
    "--headless=new",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    f"--use-file-for-fake-audio-capture={SPEECH}",
    "--autoplay-policy=no-user-gesture-required",
    # Nothing is asked of any host but the server under test.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """When a story goes wrong, what its people saw last is kept in test-results/."""
    report = yield
    if report.when == "call" and report.failed:
        for name, actor in getattr(item, "funcargs", {}).items():
            if isinstance(actor, Actor) and not actor.page.is_closed():
                actor.page.screenshot(path=f"test-results/{item.name}-{name}.png")
                report.sections.append((name, f"at {actor.page.url}: {actor.complaints}"))
                report.sections.append((f"{name} did", "\n".join(actor.did[-24:])))
                report.sections.append((f"{name} saw", actor.page.inner_text("body")[:1_500]))
    return report


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A real Chromium with a fake camera, and a microphone that hears somebody speak."""
    found = find_chromium()
    if found is None:
        pytest.skip("no Chromium: install one, or name it in CHROMIUM")
    browser = playwright.chromium.launch(
        executable_path=found, headless=True, args=ARGUMENTS, chromium_sandbox=False
    )
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all stories that neither kill it nor want it set otherwise: a start takes seconds."""
    server = Server(tmp_path_factory.mktemp("qualz"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def patient_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One on which drops are short, however long a busy machine takes to come back."""
    server = Server(tmp_path_factory.mktemp("qualz"), QUALZ_GRACE="60")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def researcher(browser: Browser, server: Server) -> Iterator[Researcher]:
    """Ada, signed in, on a desktop."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    ada = Researcher(context, server.url)
    if server.ask("SELECT id FROM researchers"):
        ada.signs_in()
    else:
        ada.creates_the_owners_account(server.set_up_link)
    yield ada
    context.close()
    assert ada.complaints == []


@pytest.fixture
def new_participant(browser: Browser, server: Server) -> Iterator[Callable[[], Participant]]:
    """Makes participants, each in a browser that has never been here."""
    came: list[Participant] = []

    def comes() -> Participant:
        context = browser.new_context(viewport={"width": 390, "height": 780})
        participant = Participant(context, server.url)
        came.append(participant)
        return participant

    yield comes
    for participant in came:
        participant.context.close()
        assert participant.complaints == []


@pytest.fixture
def participant(new_participant: Callable[[], Participant]) -> Participant:
    return new_participant()


@pytest.fixture
def new_network(server: Server) -> Iterator[Callable[[], Network]]:
    """Makes networks that break when they are told to, each between the server and somebody."""
    with ExitStack() as stack:

        def begins() -> Network:
            network = Network(server.port)
            network.starts()
            stack.callback(network.stops)
            return network

        yield begins


@pytest.fixture
def network(new_network: Callable[[], Network]) -> Network:
    return new_network()


@pytest.fixture
def new_traveller(
    browser: Browser, new_network: Callable[[], Network]
) -> Iterator[Callable[..., Traveller]]:
    """Makes participants behind a network that breaks."""
    came: list[Traveller] = []

    def comes(by: Network | None = None) -> Traveller:
        context = browser.new_context(viewport={"width": 390, "height": 780})
        traveller = Traveller(context, by or new_network())
        came.append(traveller)
        return traveller

    yield comes
    for traveller in came:
        traveller.context.close()
        assert traveller.complaints == []


@pytest.fixture
def traveller(new_traveller: Callable[..., Traveller], network: Network) -> Traveller:
    return new_traveller(network)


@pytest.fixture(scope="module")
def link(server: Server) -> str:
    """A study that is open, made without a browser."""
    return open_study(server, ["Why?"])


@pytest.fixture(scope="module")
def invitation(server: Server) -> str:
    """A study of two questions, enough for an interview that is interrupted."""
    return open_study(server, QUESTIONS)


@contextmanager
def inside(server: Server) -> Iterator[Flask]:
    """The domain on that server's data, for what needs no browser."""
    app = create_core(
        Settings(
            data=server.data,
            database_url=f"sqlite:///{server.data / 'qualz.db'}",
            secret_key="only-for-tests-" * 3,
        )
    )
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def adas_account() -> Account:
    """Hers, made if no story before this one had her make it."""
    kept = db.session.scalar(db.select(Account))
    return kept or add_researcher("Ada Lovelace", "ada@example.org", PASSWORD)


def open_study(server: Server, questions: Sequence[str]) -> str:
    """Answers the path of its share link."""
    with inside(server):
        study = Study.start(adas_account(), title="Without a browser")
        study.revise_guide(
            [
                Question(id=f"q{number}", text=text, follow_up=FollowUp.NEVER)
                for number, text in enumerate(questions)
            ]
        )
        study.open()
        db.session.commit()
        return f"/i/{study.invitation.token}"


def resume_link(server: Server, interview: str) -> str:
    """Answers its path."""
    with inside(server):
        found = db.session.scalars(db.select(Interview).filter_by(public_id=interview)).one()
        _, token = ResumeLink.create(found, validity=timedelta(days=1))
        db.session.commit()
        return f"/r/{token}"
