"""Decisions, before anything is written."""

from __future__ import annotations

import pytest

from qualz.media.plan import CannotMerge, Source, plan
from qualz.media.probe import Unreadable, probe


def planned(*paths, **options):
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
    return plan(sources, probes)


def test_parts_of_one_browser_are_joined_as_they_are(sample):
    part = sample("chromium-vp8-opus.webm")
    assert planned(part, part).as_they_are


def test_one_part_with_its_tracks_in_another_order_makes_pieces_of_all(sample, material):
    name = "chromium-vp8-opus.webm"
    assert not planned(sample(name), material.swapped(name)).as_they_are


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


def test_a_picture_alone_is_left_out_where_the_study_keeps_none(material):
    with pytest.raises(CannotMerge, match="this study keeps none"):
        planned(material.only("v", "chromium-vp8-opus.webm"), without_picture=True)
