"""Parts of one kind are joined by what is wrapped round their packets."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualz.media import matroska, splice
from qualz.media.containers import CLUSTER, CUES, SEGMENT
from qualz.media.matroska import Reader, children
from qualz.media.plan import Source
from tests.media.conftest import SAMPLES

PARTS = ["chromium-vp8-opus.webm", "chromium-vp9-opus.webm", "firefox-vp8-opus.webm"]
SOUNDS = ["chromium-opus.webm"]
PART = (SAMPLES / PARTS[0]).read_bytes()


def is_spliced(path):
    return b"Lavf" not in path.read_bytes()[:4096]


def swapped(material, sample, name):
    """With its tracks in the other order, where there are two."""
    return sample(name) if name in SOUNDS else material.swapped(name)


def clusters(path):
    """Time, and key flags and relative times of the blocks, of each cluster."""
    [segment] = [body for name, body in children(path.read_bytes()) if name == SEGMENT]
    for name, body in children(segment):
        if name == CLUSTER:
            inside = list(children(body))
            base = int.from_bytes(dict(inside)[matroska.TIMESTAMP], "big")
            blocks = [
                block if kind == matroska.SIMPLE_BLOCK else dict(children(block))[matroska.BLOCK]
                for kind, block in inside
                if kind in (matroska.SIMPLE_BLOCK, matroska.BLOCK_GROUP)
            ]
            yield base, [int.from_bytes(block[1:3], "big", signed=True) for block in blocks]


def cue_times(path):
    [segment] = [body for name, body in children(path.read_bytes()) if name == SEGMENT]
    [cues] = [body for name, body in children(segment) if name == CUES]
    return [
        int.from_bytes(dict(children(point))[splice.CUE_TIME], "big")
        for name, point in children(cues)
        if name == splice.CUE_POINT
    ]


@pytest.mark.parametrize("name", [*PARTS, *SOUNDS])
def test_every_packet_is_there_bit_for_bit_whatever_the_order_of_tracks(
    name,
    bench,
    judge,
    sample,
    material,
):
    parts = [sample(name), swapped(material, sample, name), sample(name)]
    bench.merge(*parts)
    assert is_spliced(bench.out)
    for kind in ("audio",) if name in SOUNDS else ("video", "audio"):
        once = [data for _, data in judge.packets(sample(name), kind)]
        assert [data for _, data in judge.packets(bench.out, kind)] == 3 * once


@pytest.mark.parametrize("name", [*PARTS, *SOUNDS])
def test_each_whole_picture_and_every_few_seconds_of_sound_can_be_sought(
    name, bench, sample, material
):
    bench.merge(material.repeated(name, 4), swapped(material, sample, name))
    found = cue_times(bench.out)
    assert found == sorted(set(found))
    if name in SOUNDS:
        assert max(later - sooner for sooner, later in pairwise(found)) <= 5_100
    else:
        whole = [base for base, _ in clusters(bench.out) if base in found]
        assert found == whole


def test_sound_that_does_not_say_where_it_can_be_begun_with_can_be_sought(bench, judge, sample):
    """Firefox flags no packet of sound as a key frame."""
    heard = Source(
        path=sample("firefox-vp8-opus.webm"), label="A", gap_before=None, without_picture=True
    )
    report = bench.merge(heard, heard)
    assert is_spliced(bench.out)
    assert report.mime_type == "audio/webm"
    assert cue_times(bench.out)[0] < 10
    assert len(cue_times(bench.out)) >= 2


def test_a_clock_that_jumps_back_costs_no_more_than_its_part(bench, judge, sample, material):
    """One flipped bit in the time of a cluster, by more than a block can be away from it."""
    data = bytearray(material.repeated(PARTS[0], 8).read_bytes())
    marks = [at for at in range(len(data)) if data[at : at + 4] == CLUSTER.to_bytes(4, "big")]
    time = data.index(bytes([matroska.TIMESTAMP]), marks[-1])
    size = data[time + 1] & 0x7F
    data[time + 1 + size - 1] ^= 0x80
    jumped = material.written("jumped.webm", bytes(data))
    bench.merge(jumped, sample(PARTS[0]))
    assert judge.complaints(bench.out) == ""


def test_no_cluster_is_longer_than_five_seconds(bench, judge, material):
    bench.merge(material.repeated("chromium-opus.webm", 4))
    lengths = [max(times) for _, times in clusters(bench.out)]
    assert len(lengths) > 3
    assert max(lengths) <= splice.LONGEST_CLUSTER


def test_a_torn_part_among_others_is_spliced_without_its_last_packet(
    bench,
    judge,
    sample,
    material,
):
    name = PARTS[0]
    torn = material.written("torn-tail.webm", sample(name).read_bytes()[:-100])
    bench.merge(torn, sample(name))
    assert is_spliced(bench.out)
    once = judge.packets(sample(name), "video")
    assert len(judge.packets(bench.out, "video")) >= 2 * len(once) - 1
    assert judge.complaints(bench.out) == ""


def test_a_clock_that_does_not_count_milliseconds_is_left_to_another_way(
    bench, judge, sample, material
):
    """The TimestampScale is 1,000,000 ns everywhere; here it is a little more."""
    data = sample(PARTS[0]).read_bytes()
    odd = data.replace(b"\x2a\xd7\xb1\x83\x0f\x42\x40", b"\x2a\xd7\xb1\x83\x0f\x42\x80")
    assert odd != data
    report = bench.merge(material.written("odd-clock.webm", odd), sample(PARTS[0]))
    assert not is_spliced(bench.out)
    assert report.duration == pytest.approx(2 * judge.length(sample(PARTS[0])), abs=0.1)
    assert judge.complaints(bench.out) == ""


def test_an_index_without_room_for_all_leads_near(monkeypatch, bench, material):
    monkeypatch.setattr(splice, "index_space", lambda pieces: 4 * splice.CUE)
    bench.merge(material.repeated("chromium-opus.webm", 6))
    assert 2 <= len(cue_times(bench.out)) <= 4


def read(path):
    with Reader(path) as reader:
        return list(reader.blocks()), reader.tracks


@given(noise=st.binary(max_size=60), at=st.integers(0, 6000), cut=st.integers(0, 6000))
def test_no_bytes_make_reading_raise(noise, at, cut, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "noise.webm"
    path.write_bytes(PART[:at] + noise + PART[at + len(noise) : at + 6000 + cut])
    read(path)


@given(size=st.integers(0, 1 << 40), width=st.sampled_from([None, 8]))
def test_sizes_are_read_as_they_were_written(size, width):
    field = matroska.size_field(size, width)
    name, found, length = matroska.element_at(matroska.identifier(SEGMENT) + field)
    assert (name, found, length) == (SEGMENT, size, 4 + len(field))


def test_a_block_group_without_reference_is_a_key_frame():
    block = b"\x81\x00\x05\x00picture"
    group = matroska.element(matroska.BLOCK, block)
    for words, is_key in ((b"", True), (matroska.element(matroska.REFERENCE, b"\x01"), False)):
        found = matroska._block(matroska.BLOCK_GROUP, group + words, 1000)
        assert (found.track, found.time, found.is_key) == (1, 1005, is_key)
        assert found.element[found.at :].startswith(block)
