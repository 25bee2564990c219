"""Samples: studies with interviews that nobody held, to look around in and to measure with."""

from __future__ import annotations

from qualz.sample.filling import NotASample, demand_sample, fill, samples_of, start

__all__ = ["NotASample", "demand_sample", "fill", "samples_of", "start"]
