"""Invoice numbers without gaps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Dict, Optional, Tuple


@dataclass
class Series:
    """Numbers such as ``INV-2024-0007``; each year starts again at 1."""

    prefix: str = "INV"
    width: int = 4
    _last: Dict[int, int] = field(default_factory=dict)

    def issue(self, day: date) -> str:
        """Return the next number of the year of ``day``."""
        number = self._last.get(day.year, 0) + 1
        self._last[day.year] = number
        return self.format(day.year, number)

    def format(self, year: int, number: int) -> str:
        """Write a number."""
        return f"{self.prefix}-{year}-{number:0{self.width}d}"

    def parse(self, text: str) -> Optional[Tuple[int, int]]:
        """Return year and number, or None when the text is not of this series."""
        prefix, _, rest = text.strip().rpartition("-")
        prefix, _, year = prefix.rpartition("-")
        if prefix != self.prefix or not year.isdigit() or not rest.isdigit():
            return None
        return int(year), int(rest)

    def resume(self, text: str) -> None:
        """Continue after a number that was issued before."""
        parsed = self.parse(text)
        if parsed is None:
            raise ValueError(f"{text!r} is not of series {self.prefix}")
        year, number = parsed
        self._last[year] = max(self._last.get(year, 0), number)
