"""What is put on the shelf comes back byte by byte, or not at all."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from qualz.media import shelf as shelves
from qualz.media.shelf import PIECE, OutOfReach, Shelf, Spoilt, beating
from qualz.media.shelved import ShelvedStorage
from tests.store import Bucket


@pytest.fixture
def shelf(bucket: Bucket) -> Shelf:
    return Shelf(bucket.name, endpoint=bucket.endpoint, prefix=bucket.prefix)


def file(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "put"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("size", [0, 5, PIECE + 12_345], ids=["empty", "small", "in pieces"])
def test_a_file_goes_there_and_comes_back(
    shelf: Shelf, bucket: Bucket, tmp_path: Path, size: int
) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    shelf.put(file(tmp_path, data), "interviews/one/part.webm")
    assert bucket.names == ["interviews/one/part.webm"]
    assert shelf.size("interviews/one/part.webm") == size
    shelf.fetch("interviews/one/part.webm", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data
    head = bucket.client.head_object(Bucket=bucket.name, Key="qualz/interviews/one/part.webm")
    assert ("-" in head["ETag"]) == (size > PIECE)


def test_what_is_missing_is_missing(shelf: Shelf, tmp_path: Path) -> None:
    assert not shelf.exists("nothing")
    with pytest.raises(FileNotFoundError):
        shelf.size("nothing")
    with pytest.raises(FileNotFoundError):
        shelf.fetch("nothing", tmp_path / "back")


def test_other_bytes_than_were_put_there_are_handed_to_nobody(
    shelf: Shelf, bucket: Bucket, tmp_path: Path
) -> None:
    shelf.put(file(tmp_path, b"as it was"), "part")
    known = bucket.client.head_object(Bucket=bucket.name, Key="qualz/part")["Metadata"]
    bucket.client.put_object(
        Bucket=bucket.name, Key="qualz/part", Body=b"as it is!", Metadata=known
    )
    with pytest.raises(Spoilt):
        shelf.fetch("part", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_names_are_told_by_their_beginning_and_deleted_in_any_number(
    shelf: Shelf, tmp_path: Path
) -> None:
    for name in ("a/1", "a/2", "b/1"):
        shelf.put(file(tmp_path, b"x"), name)
    assert list(shelf.names("a/")) == ["a/1", "a/2"]
    shelf.delete("a/1", *(f"never/{number}" for number in range(1500)))
    assert list(shelf.names()) == ["a/2", "b/1"]


def test_a_store_that_does_not_answer_is_out_of_reach(bucket: Bucket, tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        shelf = Shelf(bucket.name, endpoint=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(OutOfReach):
            shelf.put(file(tmp_path, b"x"), "part")


def test_a_bucket_that_is_not_there_is_told_of(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(OutOfReach, match="NoSuchBucket"):
        Shelf("nobodys", endpoint=bucket.endpoint).put(file(tmp_path, b"x"), "part")


@pytest.mark.parametrize("size", [5, PIECE + 5])
def test_who_waits_for_a_large_file_is_asked_meanwhile_and_may_end_it(
    shelf: Shelf, bucket: Bucket, tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "BEAT", 0.0)
    beats = 0

    def beat() -> None:
        nonlocal beats
        beats += 1

    def refuse() -> None:
        raise ValueError("the lease is gone")

    with beating(beat):
        shelf.put(file(tmp_path, b"x" * size), "part")
        assert beats
        before = beats
        shelf.fetch("part", tmp_path / "back")
        assert beats > before
    with beating(refuse), pytest.raises(ValueError, match="the lease is gone"):
        shelf.fetch("part", tmp_path / "again")
    storage = ShelvedStorage(tmp_path / "spool", shelf)
    with beating(refuse), pytest.raises(ValueError, match="the lease is gone"):
        storage.publish(tmp_path / "put", "other")
    assert bucket.names == ["part"]
