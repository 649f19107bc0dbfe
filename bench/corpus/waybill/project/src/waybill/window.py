"""Time windows within a day, in minutes since midnight."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable, List, Optional

from .errors import WindowError

_CLOCK = re.compile(r"^(\d{1,2})(?::(\d{2}))?\s*(am|pm)?$", re.IGNORECASE)
DAY = 24 * 60


def parse_clock(text: str) -> int:
    """Read ``9:30``, ``17`` or ``5:30 pm`` as minutes since midnight."""
    match = _CLOCK.match(text.strip())
    if match is None:
        raise WindowError(f"{text!r} is not a time")
    hour, minute = int(match[1]), int(match[2] or 0)
    half = (match[3] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise WindowError(f"{text!r} is not a time")
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 24 or minute > 59 or hour * 60 + minute > DAY:
        raise WindowError(f"{text!r} is not a time")
    return hour * 60 + minute


def format_clock(minutes: float) -> str:
    """Write minutes since midnight as ``09:05``; the next day has a ``+1``."""
    days, rest = divmod(int(round(minutes)), DAY)
    text = f"{rest // 60:02d}:{rest % 60:02d}"
    return f"{text}+{days}" if days else text


@dataclass(frozen=True, order=True)
class Window:
    """From when to when a customer is there."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= DAY:
            raise WindowError(f"{self.start} to {self.end} is not a window")

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Read ``9:00-12:30``."""
        first, dash, last = text.partition("-")
        if not dash:
            raise WindowError(f"{text!r} has no end")
        return cls(parse_clock(first), parse_clock(last))

    def wait_from(self, minute: float) -> float:
        """Return how long somebody who arrives at ``minute`` has to wait."""
        return max(0, self.start - minute)

    def late_at(self, minute: float) -> float:
        """Return by how many minutes an arrival is late."""
        return max(0, minute - self.end)

    def overlap(self, other: "Window") -> Optional["Window"]:
        """Return the common part, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Window(start, end) if start < end else None

    def __str__(self) -> str:
        return f"{format_clock(self.start)}-{format_clock(self.end)}"


def union(windows: Iterable[Window]) -> List[Window]:
    """Join windows that overlap or touch."""
    result: List[Window] = []
    for window in sorted(windows):
        if result and window.start <= result[-1].end:
            last = result.pop()
            window = Window(last.start, max(last.end, window.end))
        result.append(window)
    return result


def first_fit(windows: Iterable[Window], minute: float, needed: float) -> Optional[float]:
    """Return the first minute from ``minute`` on at which ``needed`` minutes fit into a window."""
    for window in sorted(windows):
        begin = max(window.start, minute)
        if begin + needed <= window.end:
            return begin
    return None
