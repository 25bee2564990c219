"""Secrets at rest, and new keys in the place of old ones."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from qualz import keys, vault
from qualz.application import create_app
from qualz.cli import main
from qualz.dashboard.entrances import TOKEN
from qualz.database import db
from qualz.rotation import rotate
from qualz.settings import Settings, SettingsError
from qualz.sign_in import SignIn
from qualz.study import Study
from qualz.vault import Vault
from tests.room.conftest import Participant
from tests.room.test_answers import link_at_the_end

KEY = "sk-of-a-service-outside"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """As a deployment has them that sets nothing itself."""
    return replace(
        Settings.from_env({"QUALZ_DATA": str(tmp_path)}),
        hearing="none",
        speaking="none",
        testing=True,
    )


@pytest.fixture
def kept(settings: Settings) -> Vault:
    return Vault(settings.secrets, settings.vault_keys)


def test_a_secret_lies_encrypted_and_is_its_owners_alone(settings: Settings, kept: Vault):
    kept.keep("language-model", KEY)
    file = settings.secrets / "language-model"
    assert kept.read("language-model") == KEY
    assert KEY not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert settings.master_key_file.stat().st_mode & 0o777 == 0o600
    assert settings.secrets.stat().st_mode & 0o777 == 0o700


def test_one_of_the_version_before_is_read_and_encrypted_then(settings: Settings, kept: Vault):
    settings.secrets.mkdir(mode=0o700)
    file = settings.secrets / "voice"
    file.write_text(KEY)
    assert kept.read("voice") == KEY
    assert file.read_text().startswith(vault.MARK)
    assert kept.read("voice") == KEY


def test_what_does_not_fit_is_no_secret(settings: Settings, kept: Vault):
    """Another's file, one that was changed, one of another key, and none."""
    kept.keep("hearing", KEY)
    file = settings.secrets / "hearing"
    (settings.secrets / "voice").write_text(file.read_text())
    assert kept.read("voice") == ""
    assert Vault(settings.secrets, lambda: ["another-key" * 4]).read("hearing") == ""
    text = file.read_text()
    file.write_text(f"{text[:-4]}{'AAAA' if text[-4:] != 'AAAA' else 'BBBB'}")
    assert kept.read("hearing") == ""
    file.write_text(f"{vault.MARK}ü")
    assert kept.read("hearing") == ""
    assert kept.read("nothing") == ""


def test_after_a_rotation_all_is_read_by_the_new_key_alone(settings: Settings, kept: Vault):
    before = settings.vault_keys()
    kept.keep("hearing", KEY)
    sealed = (settings.secrets / "hearing").read_text()
    rotated = rotate(settings)
    assert (rotated.sealed, rotated.lost) == (1, [])
    (new,) = settings.vault_keys()
    assert new not in before
    assert (settings.secrets / "hearing").read_text() != sealed
    # By a process, too, that was running all along.
    assert kept.read("hearing") == KEY
    assert settings.master_key_file.stat().st_mode & 0o777 == 0o600


def dies_at(rename: int, settings: Settings) -> None:
    """In a process of its own, which is gone before it puts that file in its place."""
    child = os.fork()
    if child == 0:
        done = 0

        def count(what: str, _about: object) -> None:
            nonlocal done
            if what == "os.rename":
                if done == rename:
                    os.kill(os.getpid(), signal.SIGKILL)
                done += 1

        sys.addaudithook(count)
        rotate(settings)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)


@pytest.mark.parametrize("rename", range(6))
def test_a_rotation_that_is_killed_loses_nothing_and_is_done_again(
    settings: Settings, kept: Vault, rename: int
):
    """Before each of the files that it writes: keys, three secrets, keys, signing keys."""
    for name in ("hearing", "language-model", "voice"):
        kept.keep(name, f"{KEY} for {name}")
    dies_at(rename, settings)
    for name in ("hearing", "language-model", "voice"):
        assert kept.read(name) == f"{KEY} for {name}"
    assert rotate(settings).lost == []
    assert len(settings.vault_keys()) == 1
    assert kept.read("voice") == f"{KEY} for voice"


def test_what_is_kept_while_keys_are_rotated_is_there_afterwards(settings: Settings, kept: Vault):
    kept.keep("voice", "0")
    stop = threading.Event()
    last = 0

    def writes() -> None:
        nonlocal last
        while not stop.is_set():
            last += 1
            kept.keep("voice", str(last))

    writer = threading.Thread(target=writes)
    writer.start()
    for _ in range(5):
        assert rotate(settings).lost == []
    stop.set()
    writer.join()
    assert kept.read("voice") == str(last)


def test_one_that_cannot_be_read_is_named_and_the_old_key_stays(settings: Settings, kept: Vault):
    kept.keep("voice", KEY)
    (settings.secrets / "hearing").write_text(f"{vault.MARK}AAAA")
    said = CliRunner().invoke(
        main, ["rotate-secrets"], env={"QUALZ_DATA": str(settings.data), "QUALZ_SECRET_KEY": ""}
    )
    assert said.exit_code == 1
    assert "“hearing” can be read with no key" in said.output
    assert "Restart Qualz" in said.output
    assert len(settings.vault_keys()) == 2
    assert KEY not in said.output
    assert not any(key in said.output for key in settings.vault_keys())


def test_keys_that_variables_set_are_rotated_there(tmp_path: Path):
    env = {"QUALZ_DATA": str(tmp_path), "QUALZ_MASTER_KEY": "a" * 40}
    before = Settings.from_env(env)
    Vault(before.secrets, before.vault_keys).keep("voice", KEY)
    after = Settings.from_env({**env, "QUALZ_MASTER_KEY": f"{'b' * 40} {'a' * 40}"})
    assert not rotate(after).has_new_master_key
    alone = Settings.from_env({**env, "QUALZ_MASTER_KEY": "b" * 40})
    assert Vault(alone.secrets, alone.vault_keys).read("voice") == KEY
    assert not (tmp_path / "master-key").exists()
    assert "b" * 40 not in repr(alone)
    with pytest.raises(SettingsError, match="QUALZ_MASTER_KEY"):
        Settings.from_env({**env, "QUALZ_MASTER_KEY": "short"})


@pytest.mark.parametrize("at_once", [False, True])
def test_who_is_inside_stays_inside_unless_the_old_key_leaked(
    app: Flask, settings: Settings, study: Study, at_once: bool
):
    """A participant in the room and a researcher at the desk, over a rotation and a restart."""
    person = Participant(app.test_client())
    answers = link_at_the_end(person, person.consents(study))
    with app.test_client() as desk:
        with desk.session_transaction() as session:
            _, session[TOKEN] = SignIn.begin(study.researcher)
            db.session.commit()
        # The desk's last: the room keeps one of that name for its forms.
        cookies = [*person.client._cookies.values(), desk.get_cookie("qualz")]
        rotate(settings, at_once=at_once)
        again = create_app(
            replace(
                Settings.from_env({"QUALZ_DATA": str(settings.data)}),
                hearing="none",
                speaking="none",
                testing=True,
            )
        )
        browser: FlaskClient = again.test_client()
        for cookie in cookies:
            assert cookie
            browser.set_cookie(cookie.key, cookie.value, path=cookie.path)
        assert browser.get(person.room).status_code == (403 if at_once else 200)
        assert browser.get("/studies").status_code == (302 if at_once else 200)
        # It is kept and not signed, so no key is needed for it.
        assert browser.get(answers).status_code == 200


def test_an_old_signing_key_is_taken_for_some_days_only(tmp_path: Path):
    file = tmp_path / "secret-key"
    first = keys.kept(file)
    keys.put_in_front(file, old_until=date(2026, 1, 1))
    assert len(keys.kept(file)) == 1
    assert first[0] not in keys.kept(file)
