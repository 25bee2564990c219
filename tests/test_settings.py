"""Settings are read once, and say loudly what is wrong with them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from qualz.settings import Settings, SettingsError


def read(tmp_path: Path, **env: str) -> Settings:
    return Settings.from_env({"QUALZ_DATA": str(tmp_path / "data"), **env})


def test_nothing_need_be_set(tmp_path: Path):
    settings = read(tmp_path)
    assert settings.database_url == f"sqlite:///{tmp_path / 'data' / 'qualz.db'}"
    assert settings.address == "http://localhost:8000"
    assert settings.grace == timedelta(seconds=10)


def test_what_is_set_is_honoured(tmp_path: Path):
    settings = read(
        tmp_path,
        PORT="9001",
        DATABASE_URL="postgresql+psycopg://db/qualz",
        REDIS_URL="redis://r",
        QUALZ_URL="https://interviews.example.org/",
        QUALZ_HOLD="60",
    )
    assert settings.port == 9001
    assert settings.database_url == "postgresql+psycopg://db/qualz"
    assert settings.redis_url == "redis://r"
    assert settings.address == "https://interviews.example.org"
    assert settings.is_behind_tls
    assert settings.hold == timedelta(minutes=1)


@pytest.mark.parametrize("port", ["many", "-1", "0", "80.5"])
def test_a_port_that_is_none_is_named(tmp_path: Path, port: str):
    with pytest.raises(SettingsError, match="PORT"):
        read(tmp_path, PORT=port)


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path):
    first = read(tmp_path)
    assert read(tmp_path).secret_key == first.secret_key
    assert (first.data / "secret-key").stat().st_mode & 0o777 == 0o600
    assert first.secret_key not in repr(first)


def test_a_damaged_secret_is_not_replaced_in_silence(tmp_path: Path):
    kept = read(tmp_path).data / "secret-key"
    kept.write_text("")
    with pytest.raises(SettingsError, match="backup"):
        read(tmp_path)
