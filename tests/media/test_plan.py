"""Decisions, before anything is written."""

from __future__ import annotations

import pytest

from qualz.media.plan import CannotMerge, Source, plan
from qualz.media.probe import Unreadable, probe


def planned(*paths, re_encode=(), **options):
    sources = [
        Source(path=path, label=f"Part {number}", gap_before=None, **options)
        for number, path in enumerate(paths, 1)
    ]
    probes = []
    for path in paths:
        try:
            probes.append(probe(path))
        except Unreadable as unreadable:
            probes.append(unreadable)
    return plan(sources, probes, re_encode, because="a test wants it")


def test_parts_of_one_browser_are_joined_as_they_are(sample):
    part = sample("chromium-vp8-opus.webm")
    assert planned(part, part).as_they_are


def test_so_are_parts_whose_tracks_come_in_another_order(sample, material):
    name = "chromium-vp8-opus.webm"
    assert planned(sample(name), material.swapped(name)).as_they_are


def test_where_something_is_made_up_every_part_is_written_anew(sample):
    assert not planned(sample("chromium-vp8-opus.webm"), sample("chromium-opus.webm")).as_they_are


def test_the_container_follows_the_codecs(sample, material):
    assert planned(sample("chromium-vp9-opus.webm")).mime_type == "video/webm"
    assert planned(sample("chromium-vp9-opus.mp4")).mime_type == "video/mp4"
    assert planned(sample("chromium-avc1-opus.webm")).mime_type == "video/mp4"
    assert planned(sample("firefox-opus.webm")).mime_type == "audio/webm"
    assert planned(material.like_safari()).mime_type == "video/mp4"
    mixed = planned(sample("chromium-vp9-opus.webm"), sample("chromium-vp9-opus.mp4"))
    assert mixed.mime_type == "video/mp4"


def test_a_plan_can_be_read_by_a_person(sample, material):
    text = str(
        planned(
            sample("chromium-vp8-opus.webm"),
            sample("chromium-opus.webm"),
            material.written("empty.webm", b""),
        )
    )
    assert "vp8 640×480 yuv420p" in text
    assert "Part 2: 6.00 s, picture slate, sound copied" in text
    assert "Part 3: left out, it is empty" in text


def test_the_fewest_seconds_are_re_encoded(sample, material):
    vp8, vp9, h264 = (f"chromium-{name}-opus.webm" for name in ("vp8", "vp9", "avc1"))
    short = material.shortened(vp9, 3)
    for others, expected in (
        ([sample(vp8), short], ["copied", "re-encoded"]),
        ([short, sample(h264)], ["re-encoded", "copied"]),
        ([sample(vp8), sample(vp9), short], ["re-encoded", "copied", "copied"]),
        ([sample(vp8), sample(h264), sample(h264)], ["re-encoded", "copied", "copied"]),
    ):
        assert [step.picture for step in planned(*others).steps] == expected


def test_sound_is_re_encoded_rather_than_pictures(sample, material):
    chosen = planned(sample("chromium-avc1-opus.webm"), material.like_safari())
    assert [step.sound for step in chosen.steps] == ["copied", "re-encoded"]
    assert [step.picture for step in chosen.steps] == ["copied", "re-encoded"]


def test_the_canvas_is_the_size_that_ran_longest(sample, material):
    small = [material.of_size("320x240")] * 2
    assert planned(*small, sample("chromium-vp8-opus.webm")).video.canvas == (640, 480)
    assert planned(*small * 4, sample("chromium-vp8-opus.webm")).video.canvas == (320, 240)


def test_a_size_in_odd_numbers_is_kept_where_it_is_copied_and_made_even_elsewhere(
    material, judge, tmp_path
):
    odd = material.of_size("321x241")
    assert planned(odd, odd, material.of_size("320x240")).video.canvas == (321, 241)
    lossless = tmp_path / "lossless.mkv"
    judge.convert("-i", odd, "-c:v", "ffv1", "-c:a", "copy", lossless)
    assert planned(lossless).video.canvas == (320, 240)


def test_a_plan_tells_what_is_re_encoded_and_why(sample, material):
    text = str(planned(sample("chromium-vp8-opus.webm"), material.like_safari()))
    assert "3.02 s are re-encoded" in text
    assert "picture re-encoded (another codec, h264)" in text
    assert "sound re-encoded (another codec, aac)" in text


def test_a_picture_alone_is_left_out_where_the_study_keeps_none(material):
    with pytest.raises(CannotMerge, match="this study keeps none"):
        planned(material.only("v", "chromium-vp8-opus.webm"), without_picture=True)
