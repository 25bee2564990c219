"""Uploads that no recorder made: one flipped bit, or a few bytes that ask for hours of work.

Either something sane comes of them, or `Unreadable`, and that soon.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qualz.media import matroska, speech, stretches
from qualz.media.clusters import Clusters
from qualz.media.containers import CLUSTER, EBML, SEGMENT, TRACK_ENTRY, TRACK_TYPE, TRACKS
from qualz.media.ffmpeg import answers
from qualz.media.fragments import Fragments
from qualz.media.matroska import element, number, text
from qualz.media.mending import DECODING, Mended, mend, refused
from qualz.media.order import astray, in_order
from qualz.media.plan import Source
from qualz.media.probe import Unreadable, probe
from qualz.media.salvage import whole
from qualz.media.stretches import Packet, Stretch, empty_runs, is_empty

BLOCK = b"\xf8\xff\xfe" + b"\x01" * 40  # 20 ms


def block(ticks: int) -> bytes:
    return element(matroska.SIMPLE_BLOCK, b"\x81" + struct.pack(">hB", ticks, 0x80) + BLOCK)


def cluster(time: int, *ticks: int) -> bytes:
    blocks = [block(tick) for tick in ticks]
    return element(CLUSTER, number(matroska.TIMESTAMP, time, 4), *blocks)


def webm(*clusters: bytes, scale: int = 1_000_000) -> bytes:
    head = element(
        int.from_bytes(EBML, "big"), number(0x42F2, 4), number(0x42F3, 8), text(0x4282, "webm")
    )
    opus = b"OpusHead\x01\x01" + struct.pack("<HIhB", 0, 48000, 0, 0)
    sound = element(0xE1, element(0xB5, struct.pack(">d", 48000.0)), number(0x9F, 1))
    track = (number(0xD7, 1), number(0x73C5, 1), number(TRACK_TYPE, 2), text(0x86, "A_OPUS"))
    entry = element(TRACK_ENTRY, *track, element(0x63A2, opus), sound)
    info = element(matroska.INFO, number(matroska.TIMESTAMP_SCALE, scale))
    segment = matroska.identifier(SEGMENT) + b"\x01" + b"\xff" * 7
    return head + segment + info + element(TRACKS, entry) + b"".join(clusters)


def minute() -> list[bytes]:
    """Twelve clusters of five seconds."""
    return [cluster(start, *range(0, 5000, 20)) for start in range(0, 60_000, 5000)]


def mended(tmp_path: Path, data: bytes) -> Mended | None:
    path = tmp_path / "part"
    path.write_bytes(data)
    return mend(path, tmp_path / "mended", closely=True)


def moved(clusters: list[bytes], which: int, bit: int) -> bytes:
    """A recording in which one bit of a cluster's time is another."""
    hit = bytearray(clusters[which])
    at = hit.index(b"\xe7\x84") + 2
    time = int.from_bytes(hit[at : at + 4], "big") ^ (1 << bit)
    hit[at : at + 4] = time.to_bytes(4, "big")
    return webm(*clusters[:which], bytes(hit), *clusters[which + 1 :])


# --- Clocks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [0, 2, 11])
def test_one_flipped_bit_in_the_time_of_a_packet_costs_that_packet(which, tmp_path):
    clusters = minute()
    told = struct.pack(">hB", 4000, 0x80)
    flipped = struct.pack(">hB", 4000 - 32768, 0x80)
    clusters[which] = clusters[which].replace(told, flipped)
    result = mended(tmp_path, webm(*clusters))
    assert result
    assert [broken.size for broken in result.breaks] == [len(block(0))]
    assert probe(result.path).audio.packets == 60 * 50 - 1


@pytest.mark.parametrize("bit", [16, 20, 23, 31])
@pytest.mark.parametrize("which", [0, 5, 10])
def test_one_flipped_bit_in_the_time_of_a_cluster_costs_that_cluster_and_is_named(
    which, bit, tmp_path
):
    data = moved(minute(), which, bit)
    result = mended(tmp_path, data)
    assert result
    assert [round(end - start) for start, end in result.silent] == [5]
    assert [round(broken.before, 1) for broken in result.breaks] == [5.0 * which]
    assert probe(result.path).end == pytest.approx(60.0, abs=0.1)


@pytest.mark.parametrize("scale", [0, 1, 1 << 63])
def test_a_clock_without_ticks_is_not_believed(scale, tmp_path):
    with pytest.raises(ValueError, match="clock"):
        Clusters(webm(*minute(), scale=scale), lambda: None)
    assert mended(tmp_path, webm(*minute(), scale=scale)) is None


def test_what_lies_too_far_apart_for_one_cluster_is_written_in_more():
    reader = Clusters(webm(cluster(0, 0), cluster(40_000, 0)), lambda: None)
    packets = [packet for stretch in reader.found.stretches for packet in stretch.packets]
    again = Clusters(reader.header() + reader.written(Stretch(packets)), lambda: None)
    assert [stretch.start for stretch in again.found.stretches] == [0.0, 40.0]


def test_numbers_that_no_file_can_hold_make_a_part_unreadable(tmp_path):
    path = tmp_path / "part"
    late = element(CLUSTER, number(matroska.TIMESTAMP, (1 << 64) - 1, 8), block(0), block(20))
    path.write_bytes(webm(late))
    source = Source(path=path, label="", gap_before=None)
    with pytest.raises(Unreadable):
        whole(source, tmp_path / "mended", lambda _: None, closely=True)


def run(start: float, seconds: float = 1.0, size: int = 100) -> Stretch:
    return Stretch([Packet(track=1, time=start, length=seconds, at=int(start), size=size)])


def test_what_changed_places_is_believed_and_what_fits_nowhere_is_not():
    swapped = [run(start) for start in (0, 1, 5, 6, 7, 2, 3, 4, 8, 9)]
    assert [stretch.start for stretch in in_order(swapped)[0]] == list(range(10))
    ordered, again, lost = in_order([run(0), run(1), run(900), run(3), run(4)])
    assert [stretch.start for stretch in ordered] == [0, 1, 3, 4]
    assert (again, [(one.before, one.after) for one in lost]) == (0, [(2, 3)])


def test_the_largest_run_is_kept_wherever_it_lies():
    ordered, _, lost = in_order([run(500_000), *(run(start) for start in range(5))])
    assert [stretch.start for stretch in ordered] == [0, 1, 2, 3, 4]
    assert lost


@given(st.lists(st.floats(0, 1e6), max_size=60))
def test_what_is_not_astray_never_goes_back_by_much(times):
    off = astray(times)
    latest = 0.0
    for at, time in enumerate(times):
        if at not in off:
            assert time >= latest - 2.0
            latest = max(latest, time)
    assert not astray(sorted(times))


# --- A little that asks for much -----------------------------------------------------------------


def test_a_few_packets_hours_apart_are_not_joined_by_silence(tmp_path):
    data = webm(*(cluster(3_500_000 * which, 0, 20) for which in range(15)))
    result = mended(tmp_path, data)
    assert result
    assert result.breaks
    assert result.path.stat().st_size < 10_000
    assert sum(end - start for start, end in result.silent) < 2 * stretches.LEAP


def test_an_hour_of_nothing_amid_an_hour_of_something_is_kept(tmp_path):
    hour = [run(start, 0.5) for start in range(1800)] + [run(s, 0.5) for s in range(5000, 7000)]
    ordered, _, lost = in_order(hour)
    assert len(ordered) == len(hour)
    assert lost == []


def test_an_answer_of_a_few_bytes_does_not_become_hours_of_sound(ffmpeg, tmp_path):
    path = tmp_path / "part"
    path.write_bytes(webm(cluster(0, *range(0, 1000, 20)), cluster(3_600_000, 0, 20)))
    sound = speech.cut(path, 0.0, 86_400.0, tmp_path, ffmpeg=ffmpeg)
    assert len(sound) <= 15 * 60 * 32_000
    assert (tmp_path / "speech.pcm").stat().st_size <= 15 * 60 * 32_000


def box(name: bytes, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return struct.pack(">I", 8 + len(body)) + name + body


def mp4(*fragments: bytes) -> bytes:
    tkhd = box(b"tkhd", bytes(12) + struct.pack(">I", 1) + bytes(60))
    mdhd = box(b"mdhd", bytes(12) + struct.pack(">I", 48000) + bytes(8))
    handler = box(b"hdlr", bytes(8) + b"soun" + bytes(12))
    movie = box(b"moov", box(b"trak", tkhd, box(b"mdia", mdhd, handler)))
    return box(b"ftyp", b"isom\0\0\0\0") + movie + b"".join(fragments)


@pytest.mark.parametrize("size", [0, 1])
def test_a_run_that_only_says_how_long_it_is_holds_no_more_than_the_file(size):
    track = box(b"tfhd", struct.pack(">III", 0x10, 1, size))
    endless = box(b"moof", box(b"traf", track, box(b"trun", struct.pack(">II", 0, 0xFFFFFFFF))))
    assert not Fragments(mp4(endless, box(b"mdat", b"x")), lambda: None).found.stretches


def test_fragments_that_all_name_the_same_bytes_are_not_read_for_ever():
    track = box(b"tfhd", struct.pack(">III", 0x10, 1, 1))
    greedy = box(b"moof", box(b"traf", track, box(b"trun", struct.pack(">II", 0, 20_000))))
    with pytest.raises(ValueError, match="more samples than bytes"):
        Fragments(mp4(*[greedy + box(b"mdat", b"x")] * 400), lambda: None)


def test_boxes_in_boxes_end_somewhere():
    nested = b""
    for _ in range(5000):
        nested = box(b"moov", nested)
    with pytest.raises(ValueError, match="no fragments"):
        Fragments(box(b"ftyp", b"isom\0\0\0\0") + nested, lambda: None)


def test_noughts_are_found_to_the_byte_and_looked_up_at_once():
    data = b"a" * 1000 + bytes(700) + b"b" + bytes(511) + b"c" * 99 + bytes(512) + b"d" * 40
    runs = empty_runs(data)
    assert runs == [(1000, 1700), (2311, 2823)]
    for at in range(0, len(data), 7):
        beside = any(start < at + 20 and at < end for start, end in runs)
        assert is_empty(runs, at, 20) == beside


# --- What decodes it -----------------------------------------------------------------------------


def test_what_a_decoder_refuses_is_told_by_a_process_of_its_own(judge, sample, tmp_path):
    name = "chromium-vp8-opus.webm"
    data = bytearray(sample(name).read_bytes())
    time, picture = judge.packets(sample(name), "video")[20]
    at = bytes(data).index(picture)
    data[at : at + 40] = bytes(255 - byte for byte in data[at : at + 40])
    path = tmp_path / name
    path.write_bytes(data)
    assert (time, picture[-32:]) in refused(path, [(0.0, 3.0)], lambda: None)
    assert refused(sample(name), [(0.0, 3.0)], lambda: None) == set()


class LeaseLost(Exception):
    pass


def test_whoever_loses_the_lease_ends_what_decodes():
    def lost() -> None:
        raise LeaseLost

    busy = (sys.executable, "-c", "while True: pass")
    with pytest.raises(LeaseLost):
        answers(busy, b"", on_beat=lost, limit=60.0)
    assert not [child for child in psutil.Process().children() if child.cmdline() == list(busy)]


def test_what_decodes_has_no_more_memory_than_is_meant_for_it():
    greedy = (sys.executable, "-c", "print('so far', flush=True); bytearray(2 << 30); print('no')")
    assert answers(greedy, b"", on_beat=lambda: None, limit=60.0, limits=DECODING) == [b"so far"]


# --- Any bit of any of them ----------------------------------------------------------------------

SMALL = {
    "webm": ["-live", "1", "-cluster_time_limit", "300"],
    "mp4": ["-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "300000"],
    "ogg": ["-page_duration", "300000"],
}


@pytest.mark.parametrize("kind", SMALL)
def test_whatever_bit_is_flipped_the_answer_is_sane(kind, judge, tmp_path):
    path, hit = tmp_path / f"good.{kind}", tmp_path / "hit"
    tone = ("-f", "lavfi", "-i", "sine=d=1.5", "-c:a", "libopus", "-b:a", "16k")
    judge.convert(*tone, *SMALL[kind], "-strict", "-2", "-f", kind, path)
    good = path.read_bytes()

    @settings(
        max_examples=30,
        deadline=3000,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 8 * len(good) - 1), st.booleans())
    def flipped(bit: int, closely: bool) -> None:
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        hit.write_bytes(data)
        source = Source(path=hit, label="", gap_before=None)
        try:
            readable, found = whole(source, tmp_path / "out", lambda _: None, closely=closely)
        except Unreadable:
            return
        assert 0 < found.duration < 24 * 3600
        assert readable.path.stat().st_size < 4_000_000

    flipped()
