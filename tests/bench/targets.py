"""What Qualz is to reach, a line of section 11 of its design each, and which measurement tells."""

from __future__ import annotations

from dataclasses import dataclass

# What a measurement found out: a figure for the name of each target that it answers.
Figures = dict[str, float]


@dataclass(frozen=True)
class Target:
    """`most`: the largest figure that is good enough, in `unit`. `by` is the measurement, which
    answers it only in a full run where it `needs_full`."""

    what: str
    most: float
    unit: str
    by: str
    needs_full: bool = False

    def is_reached(self, figure: float) -> bool:
        return figure <= self.most

    def written(self, figure: float) -> str:
        digits = 0 if figure == int(figure) or figure >= 100 else 1 if figure >= 10 else 2
        return f"{figure:,.{digits}f} {self.unit}"


TARGETS = {
    "merge": Target("uniform parts, an hour of 720p: to ffmpeg's concat", 1.5, "×", "merges"),
    "merge memory": Target("the same: memory", 150, "MB", "merges"),
    "after the end": Target("the same: Full Session after the last byte", 5, "s", "merges"),
    "packets": Target("packets lost or changed in uniform merges", 0, "packets", "merges"),
    "sound and picture": Target("sound against picture, any merge", 45, "ms", "in-step"),
    "server notices": Target("silent loss noticed by the server", 5, "s", "drops"),
    "browser notices": Target("silent loss noticed by the browser", 3, "s", "ways-back"),
    "back": Target("recording again, once the network is back", 2, "s", "ways-back"),
    "acknowledged": Target("acknowledged bytes lost", 0, "bytes", "simulated"),
    "missed drops": Target("drops of 6 s and more not noticed", 0, "drops", "simulated"),
    "recorded": Target("recorded and lost, browser killed", 1, "s", "killed-browser"),
    "participants": Target(
        "1,000 participants, one web process: chunk p99", 500, "ms", "together", needs_full=True
    ),
    "list": Target("dashboard, 10,000 interviews: list p95", 100, "ms", "dashboard"),
    "detail": Target("the same: detail p95", 100, "ms", "dashboard"),
    "poll": Target("the same: progress poll p95", 15, "ms", "dashboard"),
    "next question": Target("Done → next question, spoken, p95", 1.5, "s", "moderator"),
    "next, typed": Target("Done → next question, typed, p95", 0.3, "s", "moderator"),
    "rules": Target("2,000 interviews, hostile model: broken rules", 0, "rules", "fuzzed-talks"),
    "set-up": Target("git clone to the sign-in page", 120, "s", "set-up", needs_full=True),
    "dashboard weight": Target("page weight: dashboard, compressed", 150, "KB", "weights"),
    "room weight": Target("page weight: room, compressed", 200, "KB", "weights"),
}
