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


@pytest.mark.parametrize("seconds", ["60", "7776001"])
def test_nobody_is_locked_out_at_once_or_inside_for_ever(tmp_path: Path, seconds: str):
    assert read(tmp_path, QUALZ_SIGN_IN_IDLE="300").sign_in_idle == timedelta(minutes=5)
    with pytest.raises(SettingsError, match="QUALZ_SIGN_IN_LONGEST"):
        read(tmp_path, QUALZ_SIGN_IN_LONGEST=seconds)


def test_a_link_to_ones_answers_may_hold_for_years(tmp_path: Path):
    years = str(3 * 365 * 86_400)
    assert read(tmp_path, QUALZ_ANSWERS_LINK=years).answers_link_validity.days == 3 * 365
    with pytest.raises(SettingsError, match="QUALZ_ANSWERS_LINK"):
        read(tmp_path, QUALZ_ANSWERS_LINK=f"{years}000")


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


def test_a_mail_server_is_named_with_its_sender_or_refused_without_its_password(tmp_path: Path):
    server = "smtps://ada:secret@mail.example.org"
    settings = read(tmp_path, QUALZ_SMTP_URL=server, QUALZ_MAIL_FROM="Qualz <q@example.org>")
    assert settings.smtp_url == server
    assert "secret" not in repr(settings)
    for url, sender in ((server, ""), ("http://ada:secret@host", "q@example.org"), ("smtp://", "")):
        with pytest.raises(SettingsError) as refused:
            read(tmp_path, QUALZ_SMTP_URL=url, QUALZ_MAIL_FROM=sender)
        assert "secret" not in str(refused.value)


def test_behind_https_there_is_one_proxy_unless_it_is_said_otherwise(tmp_path: Path):
    assert read(tmp_path).proxies == 0
    assert read(tmp_path, QUALZ_URL="https://q.example.org").proxies == 1
    assert read(tmp_path, QUALZ_URL="https://q.example.org", QUALZ_PROXIES="2").proxies == 2
    assert read(tmp_path, QUALZ_URL="https://q.example.org", QUALZ_PROXIES="0").proxies == 0
    with pytest.raises(SettingsError, match="QUALZ_PROXIES"):
        read(tmp_path, QUALZ_PROXIES="some")


def test_a_provider_is_named_whole_or_not_at_all(tmp_path: Path):
    whole = {
        "QUALZ_OIDC_ISSUER": "https://id.example.org/realms/team",
        "QUALZ_OIDC_CLIENT_ID": "qualz",
        "QUALZ_OIDC_CLIENT_SECRET": "only-between-us",
    }
    settings = read(tmp_path, **whole)
    assert settings.oidc_name == "id.example.org"
    assert "only-between-us" not in repr(settings)
    with pytest.raises(SettingsError, match="belong together") as refused:
        read(tmp_path, **{**whole, "QUALZ_OIDC_CLIENT_ID": ""})
    assert "only-between-us" not in str(refused.value)
    with pytest.raises(SettingsError, match="https"):
        read(tmp_path, **{**whole, "QUALZ_OIDC_ISSUER": "http://id.example.org"})


def test_a_bucket_has_a_store_and_names_below_a_folder(tmp_path: Path):
    assert read(tmp_path).s3_bucket is None
    settings = read(
        tmp_path,
        QUALZ_S3_BUCKET="interviews",
        QUALZ_S3_ENDPOINT="https://s3.example.org/",
        QUALZ_S3_PREFIX="/qualz",
    )
    assert (settings.s3_bucket, settings.s3_endpoint) == ("interviews", "https://s3.example.org")
    assert settings.s3_prefix == "qualz/"
    with pytest.raises(SettingsError, match="QUALZ_S3_ENDPOINT"):
        read(tmp_path, QUALZ_S3_ENDPOINT="s3.example.org")
