"""Acknowledged bytes stay, whoever sends, repeats, overlaps or dies."""

from __future__ import annotations

import fcntl
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from qualz.media.storage import DiskFull, OffsetMismatch, Storage, UnsafeName

ROOT = Path(__file__).parents[2]

# What a recorder produced: any sender sends slices of this and nothing else.
RECORDED = bytes(number * number % 251 for number in range(4096))


class Uploading(RuleBasedStateMachine):
    """Senders that repeat and overlap, and servers that die between writing and answering."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.storage = Storage(self.folder)
        self.acknowledged = 0

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(length=st.integers(0, 300))
    def send_what_follows(self, length: int) -> None:
        at = self.storage.size("part")
        self.acknowledged = self.storage.append("part", RECORDED[at : at + length], at=at)

    @rule(at=st.integers(0, 4096), length=st.integers(0, 300))
    def send_from_anywhere(self, at: int, length: int) -> None:
        if at == self.storage.size("part"):
            self.send_what_follows(length)
            return
        before = self.storage.size("part")
        with pytest.raises(OffsetMismatch) as caught:
            self.storage.append("part", RECORDED[at : at + length], at=at)
        assert caught.value.size == self.storage.size("part") == before
        self.acknowledged = before

    @rule(length=st.integers(1, 300))
    def die_before_answering(self, length: int) -> None:
        size = self.storage.size("part")
        with (self.folder / "part").open("ab") as file:
            file.write(RECORDED[size : size + length])
        self.storage = Storage(self.folder)

    @rule()
    def ask_how_far(self) -> None:
        size = self.storage.sync("part")
        assert size >= self.acknowledged
        self.acknowledged = size

    @invariant()
    def what_is_there_is_what_was_recorded(self) -> None:
        held = self.storage.head("part", 10_000)
        assert len(held) >= self.acknowledged
        assert held == RECORDED[: len(held)]


TestUploading = Uploading.TestCase
TestUploading.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)


@pytest.fixture
def storage(tmp_path):
    return Storage(tmp_path / "root")


def test_bytes_are_appended_where_they_belong(storage):
    assert storage.append("7/part-1.webm", b"abc", at=0) == 3
    assert storage.append("7/part-1.webm", b"def", at=3) == 6
    assert storage.head("7/part-1.webm", 4) == b"abcd"
    assert storage.path("7/part-1.webm").read_bytes() == b"abcdef"


@pytest.mark.parametrize("at", [0, 2, 4, 100])
def test_any_other_offset_changes_nothing_and_is_told_the_true_one(storage, at):
    storage.append("part", b"abc", at=0)
    with pytest.raises(OffsetMismatch) as caught:
        storage.append("part", b"xyz", at=at)
    assert caught.value.size == 3
    assert storage.head("part", 10) == b"abc"


def test_a_file_that_is_not_there_has_no_bytes(storage):
    assert storage.size("part") == storage.sync("part") == 0
    assert storage.head("part", 10) == b""
    with pytest.raises(OffsetMismatch) as caught:
        storage.append("part", b"xyz", at=3)
    assert caught.value.size == 0
    assert not storage.exists("part")


def test_many_senders_of_one_chunk_store_it_once(storage):
    def send(_: int) -> bool:
        try:
            return storage.append("part", b"x" * 10_000, at=0) == 10_000
        except OffsetMismatch:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(send, range(8))) == [False] * 7 + [True]
    assert storage.size("part") == 10_000


def test_blocking_work_goes_where_the_caller_wants_it(tmp_path):
    with ThreadPoolExecutor(1) as pool:
        names = []

        def elsewhere(blocking):
            names.append(blocking)
            return pool.submit(blocking).result()

        storage = Storage(tmp_path, offload=elsewhere)
        assert storage.append("part", b"abc", at=0) == 3
        assert storage.sync("part") == 3
    assert len(names) == 2


WRITER = """
import itertools, sys
from pathlib import Path
from qualz.media.storage import Storage

storage, size = Storage(Path(sys.argv[1])), 0
for number in itertools.count():
    size = storage.append("part", bytes([number % 251]) * 1000, at=size)
    print(size, flush=True)
"""


def test_what_was_acknowledged_survives_a_killed_server(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as server:
        assert server.stdout
        for _ in range(20):
            server.stdout.readline()
        server.send_signal(signal.SIGKILL)
        acknowledged = 20_000
        for line in server.stdout:
            if line.endswith("\n"):
                acknowledged = int(line)
    held = Storage(tmp_path).head("part", 10**9)
    assert len(held) >= acknowledged
    assert all(held[at] == at // 1000 % 251 for at in range(acknowledged))


CRAMPED = """
import resource, sys
from pathlib import Path
from qualz.media.storage import DiskFull, Storage

storage = Storage(Path(sys.argv[1]))
storage.append("part", b"a" * 3000, at=0)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    storage.append("part", b"b" * 3000, at=3000)
except DiskFull:
    print("full")
print(storage.size("part"), storage.append("part", b"c" * 2000, at=3000))
"""


def test_a_full_disk_takes_back_what_was_half_written(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", CRAMPED, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout.split() == ["full", "3000", "5000"]
    assert (tmp_path / "part").read_bytes() == b"a" * 3000 + b"c" * 2000


def test_appends_leave_room_for_the_others_on_the_disk(tmp_path):
    roomy = Storage(tmp_path)
    roomy.append("part", b"abc", at=0)
    cramped = Storage(tmp_path, kept_free=roomy.free_bytes() + 2**40)
    for act in (
        lambda: cramped.append("part", b"def", at=3),
        lambda: cramped.append("other", b"abc", at=0),
        lambda: cramped.demand_room(1),
    ):
        with pytest.raises(DiskFull):
            act()
    # What is there can be asked for, repeated and read, and nothing asks for no room.
    assert cramped.sync("part") == cramped.append("part", b"", at=3) == 3
    with pytest.raises(OffsetMismatch):
        cramped.append("part", b"abc", at=0)
    assert cramped.size("other") == 0
    cramped.demand_room(0)
    assert roomy.append("part", b"def", at=3) == 6


def test_no_bytes_go_to_a_file_that_was_deleted_meanwhile(storage):
    storage.append("part", b"abc", at=0)
    with storage.path("part").open("rb") as file, ThreadPoolExecutor(1) as pool:
        fcntl.flock(file, fcntl.LOCK_EX)
        late = pool.submit(storage.append, "part", b"def", at=3)
        storage.delete("part")
        fcntl.flock(file, fcntl.LOCK_UN)
        with pytest.raises(OffsetMismatch) as caught:
            late.result(timeout=10)
    assert caught.value.size == 0


def test_a_finished_file_appears_whole_under_its_name(storage):
    with storage.workspace("merge-1") as folder:
        made = folder / "made"
        made.write_bytes(b"new")
        storage.append("7/full-session.webm", b"old", at=0)
        storage.publish(made, "7/full-session.webm")
        assert not made.exists()
        storage.publish(_written(folder / "other", b"other"), "8/deep/full-session.webm")
    assert storage.head("7/full-session.webm", 10) == b"new"
    assert storage.head("8/deep/full-session.webm", 10) == b"other"


def test_a_workspace_is_gone_afterwards_even_if_work_failed(storage):
    def fail() -> None:
        with storage.workspace("merge-1") as folder:
            (folder / "piece").write_bytes(b"x")
            seen.append(folder)
            raise RuntimeError

    seen: list[Path] = []
    with pytest.raises(RuntimeError):
        fail()
    assert not seen[0].exists()


LEAVER = """
import os, signal, sys
from pathlib import Path
from qualz.media.storage import Storage

with Storage(Path(sys.argv[1])).workspace("merge-1") as folder:
    (folder / "piece").write_bytes(b"x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_workspaces_of_the_dead_are_cleared_and_those_of_the_living_are_not(storage):
    subprocess.run([sys.executable, "-c", LEAVER, str(storage.root)], cwd=ROOT, check=False)
    with storage.workspace("merge-2") as folder:
        (folder / "piece").write_bytes(b"x")
        assert storage.clear_workspaces() == 1
        assert (folder / "piece").exists()
    assert storage.clear_workspaces() == 0


def test_deleting_is_for_good_and_may_be_repeated(storage):
    storage.append("7/part-1", b"abc", at=0)
    storage.append("7/part-2", b"abc", at=0)
    storage.delete("7/part-1")
    storage.delete("7/part-1")
    assert not storage.exists("7/part-1")
    storage.delete_tree("7")
    storage.delete_tree("7")
    assert not storage.exists("7/part-2")


@pytest.mark.parametrize("name", ["", ".", "..", "/etc/passwd", "../x", "a/../../x", "a\0b"])
def test_names_do_not_lead_out_of_the_root(storage, name):
    for act in (storage.path, storage.size, storage.sync, storage.delete, storage.delete_tree):
        with pytest.raises(UnsafeName):
            act(name)
    with pytest.raises(UnsafeName):
        storage.append(name, b"x", at=0)


def test_a_link_does_not_lead_out_of_the_root_either(storage, tmp_path):
    (storage.root / "door").symlink_to(tmp_path)
    with pytest.raises(UnsafeName):
        storage.append("door/x", b"x", at=0)


def test_free_space_is_told_in_bytes(storage):
    assert storage.free_bytes() == pytest.approx(shutil.disk_usage(storage.root).free, rel=0.2)


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
