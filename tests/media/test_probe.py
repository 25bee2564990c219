"""What is read from a recording without decoding it."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualz.media import packets
from qualz.media.containers import index_in_front
from qualz.media.orientation import read_turn, write_turn
from qualz.media.probe import Unreadable, declares_video, probe, sniff

FILMED = [
    "chromium-vp8-opus.webm",
    "chromium-vp9-opus.webm",
    "chromium-avc1-opus.webm",
    "chromium-vp9-opus.mp4",
    "firefox-vp8-opus.webm",
]
HEARD = ["chromium-opus.webm", "chromium-opus.mp4", "firefox-opus.webm"]


@pytest.mark.parametrize("name", [*FILMED, *HEARD])
def test_it_counts_and_digests_what_another_reader_finds(name, judge, sample):
    found = probe(sample(name))
    for track in found.tracks:
        expected = judge.packets(sample(name), track.kind)
        times = [time for time, _ in expected]
        assert track.packets == len(expected)
        assert (track.start, track.last) == pytest.approx((min(times), max(times)))
        assert list(track.times) == pytest.approx(times)
        assert track.monotonic
        if track.codec != "h264":
            payload = b"".join(data for _, data in expected)
            assert track.digest == hashlib.sha256(payload).hexdigest()
    assert found.video is None or (found.video.width, found.video.height) == (640, 480)
    assert 5.5 < found.duration < 7.0
    assert json.loads(json.dumps(found.as_json()))["duration"] == found.duration


def test_h264_has_one_digest_in_all_containers(judge, sample, tmp_path):
    original = sample("chromium-avc1-opus.webm")
    other = tmp_path / "other.mp4"
    judge.convert("-i", original, "-c", "copy", other)
    assert probe(original).video.digest == probe(other).video.digest
    assert judge.packets(original, "video")[0][1] != judge.packets(other, "video")[0][1]


def test_a_picture_that_begins_late_counts_from_its_first_key_frame(material):
    track = probe(material.beginning_late("chromium-vp9-opus.webm", 5)).video
    assert track.leading > 0
    assert track.start == pytest.approx(0.599, abs=0.01)


@pytest.mark.parametrize("name", ["chromium-vp9-opus.mp4", "chromium-opus.mp4"])
def test_a_torn_last_packet_is_not_counted(name, judge, material):
    cut = material.cut_off(name, 0.6)
    found = probe(cut)
    assert sum(track.corrupt for track in found.tracks) == 1
    assert found.audio.packets == len(judge.packets(cut, "audio"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"hello" * 100, "it does not begin like a recording"),
        (b"\x1a\x45\xdf\xa3" + b"\0" * 20, "its header is damaged"),
        (b"\0\0\0\x18ftypisom" + b"\xff" * 50, None),
    ],
)
def test_what_is_no_recording_is_unreadable_for_a_reason(data, reason, material):
    with pytest.raises(Unreadable, match=reason):
        probe(material.written("odd.webm", data))


@pytest.mark.parametrize("name", [*FILMED, *HEARD])
@pytest.mark.parametrize("count", [40, 200, 500, 1000])
def test_a_header_without_media_is_unreadable(name, count, sample, material):
    head = sample(name).read_bytes()[:count]
    if b"\x1f\x43\xb6\x75" in head or head.count(b"OggS") > 2 or b"moof" in head:
        return
    with pytest.raises(Unreadable):
        probe(material.written("head.webm", head))


def test_progress_is_reported(sample):
    seen: list[float] = []
    probe(sample("chromium-vp8-opus.webm"), on_progress=seen.append)
    assert seen
    assert all(0 <= fraction <= 1 for fraction in seen)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_how_far_a_picture_is_turned_stands_in_the_header_of_an_mp4(degrees, sample, tmp_path):
    import av

    path = tmp_path / "turned.mp4"
    path.write_bytes(sample("chromium-vp9-opus.mp4").read_bytes())
    write_turn(path, degrees)
    assert probe(path).video.turn == read_turn(path) == degrees
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).rotation % 360 == -degrees % 360


@given(st.binary(max_size=200), st.integers(0, 900))
def test_no_bytes_make_a_turned_picture_raise(tmp_path_factory, noise, at):
    from tests.media.conftest import SAMPLES

    path = tmp_path_factory.getbasetemp() / "noise.mp4"
    head = (SAMPLES / "chromium-vp9-opus.mp4").read_bytes()[:1500]
    path.write_bytes(head[:at] + noise + head[at + len(noise) :])
    assert read_turn(path) in (None, 0, 90, 180, 270)


# --- First bytes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*FILMED, *HEARD])
def test_the_container_is_told_by_its_first_bytes_whatever_the_name(name, sample):
    kind = "ogg" if name == "firefox-opus.webm" else name.rsplit(".", 1)[1]
    assert sniff(sample(name).read_bytes()[:16]) == kind


@pytest.mark.parametrize("head", [b"", b"\x1a", b"RIFF0000WAVE", b"#EXTM3U\n", b"<!doctype html>"])
def test_what_is_no_recording_is_not_sniffed(head):
    assert sniff(head) is None


@pytest.mark.parametrize("name", FILMED)
@pytest.mark.parametrize("count", [1000, 65_536])
def test_a_picture_shows_in_the_first_kilobyte(name, count, sample):
    head = sample(name).read_bytes()[:count]
    if name.endswith("mp4") and count == 1000:
        head = sample(name).read_bytes()[:2000]
    assert declares_video(head)


@pytest.mark.parametrize("name", HEARD)
def test_sound_alone_declares_no_picture(name, sample):
    assert not declares_video(sample(name).read_bytes()[:65_536])


def test_a_picture_with_an_unheard_of_codec_shows_by_its_track_type(sample):
    head = sample("chromium-vp8-opus.webm").read_bytes()[:4096]
    assert declares_video(head.replace(b"V_VP8", b"V_XXX"))


@given(st.binary(max_size=300), st.sampled_from(FILMED), st.integers(0, 600))
def test_no_bytes_make_it_raise(noise, name, at):
    from tests.media.conftest import SAMPLES

    head = (SAMPLES / name).read_bytes()[:1200]
    for data in (noise, head[:at] + noise, head[:at] + noise + head[at + len(noise) :]):
        assert declares_video(data) in (True, False)
        sniff(data)


def test_an_index_in_front_is_told_from_none(judge, sample, tmp_path):
    part = sample("chromium-vp8-opus.webm")
    assert not index_in_front(part)
    for options, front in (((), False), (("-cues_to_front", "1"), True)):
        judge.convert("-i", part, "-c", "copy", *options, tmp_path / "x.webm")
        assert index_in_front(tmp_path / "x.webm") is front
    part = sample("chromium-vp9-opus.mp4")
    for options, front in (((), False), (("-movflags", "faststart"), True)):
        judge.convert("-i", part, "-c", "copy", *options, tmp_path / "x.mp4")
        assert index_in_front(tmp_path / "x.mp4") is front


# --- Single packets ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packet", "seconds"),
    [
        (b"", 0.0),
        (bytes([0b00000_0_00]), 0.010),  # SILK, 10 ms
        (bytes([0b00011_0_00]), 0.060),  # SILK, 60 ms
        (bytes([0b01101_0_01]), 0.040),  # hybrid, 2 of 20 ms
        (bytes([0b11111_1_00]), 0.020),  # CELT, 20 ms
        (bytes([0b11111_1_11, 3]), 0.060),  # CELT, 3 of 20 ms
        (bytes([0b10000_0_11, 0b1100_0000 | 4]), 0.010),  # CELT, 4 of 2.5 ms, padded
        (bytes([0b11111_1_11]), 0.0),  # breaks off
    ],
)
def test_an_opus_packet_says_how_long_it_is(packet, seconds):
    assert packets.opus_seconds(packet) == pytest.approx(seconds)


def test_opus_packets_of_browsers_follow_one_another_without_gap(judge, sample):
    for name in HEARD:
        read = judge.packets(sample(name), "audio")
        for (time, data), (following, _) in pairwise(read):
            assert time + packets.opus_seconds(data) == pytest.approx(following, abs=0.002)


def test_vp8_key_frames_say_their_size(judge, sample):
    read = judge.packets(sample("firefox-vp8-opus.webm"), "video")
    sizes = [packets.vp8_size(data) for _, data in read]
    assert sizes[0] == (640, 480)
    assert sizes[1] is None


def test_vp9_key_frames_say_their_size(judge, sample):
    read = judge.packets(sample("chromium-vp9-opus.webm"), "video")
    sizes = [packets.vp9_size(data) for _, data in read]
    assert sizes[0] == (640, 480)
    assert set(sizes[1:]) <= {None, (640, 480)}


@given(st.binary(max_size=40))
def test_any_bytes_can_be_asked_for_a_size(data):
    for size_of in packets.SIZE_OF_PICTURE.values():
        size_of(data)


@given(st.binary(max_size=60), st.sampled_from([None, 1, 2, 4]))
def test_any_bytes_can_be_cut_into_nal_units(data, length_size):
    for unit in packets.nal_units(data, length_size=length_size):
        assert unit
    packets.parameter_sets(data)
    packets.h264_content(data, length_size=length_size)
