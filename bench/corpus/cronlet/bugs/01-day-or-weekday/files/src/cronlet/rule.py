"""A rule says at which minutes a job runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Iterator, Optional

from .errors import RuleError
from .fields import DAY, HOUR, MINUTE, MONTH, WEEKDAY, parse_field

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}

# A rule such as ``0 0 29 2 *`` can be silent for eight years around 2100.
_HORIZON = timedelta(days=366 * 9)


@dataclass(frozen=True)
class Rule:
    """A parsed rule with its five fields."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool = True
    any_weekday: bool = True

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Read a rule of five fields, or a macro such as ``@daily``."""
        source = text.strip()
        if source.startswith("@"):
            try:
                source = MACROS[source.lower()]
            except KeyError:
                raise RuleError(text, "unknown macro") from None
        fields = source.split()
        if len(fields) != 5:
            raise RuleError(text, f"expected 5 fields, found {len(fields)}")
        minute, hour, day, month, weekday = fields
        return cls(
            text=text.strip(),
            minutes=parse_field(minute, MINUTE),
            hours=parse_field(hour, HOUR),
            days=parse_field(day, DAY),
            months=parse_field(month, MONTH),
            weekdays=parse_field(weekday, WEEKDAY),
            any_day=day == "*",
            any_weekday=weekday == "*",
        )

    def matches(self, moment: datetime) -> bool:
        """Tell whether the job runs in this minute."""
        return (
            moment.minute in self.minutes
            and moment.hour in self.hours
            and self.matches_date(moment)
        )

    def matches_date(self, moment: datetime) -> bool:
        """Tell whether the job runs on this day at all."""
        if moment.month not in self.months:
            return False
        day = moment.day in self.days
        # datetime counts Monday as 0, cron counts Sunday as 0.
        weekday = (moment.weekday() + 1) % 7 in self.weekdays
        return day and weekday

    def next_after(self, moment: datetime) -> Optional[datetime]:
        """Return the first matching minute after ``moment``, or None when there is none."""
        candidate = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        limit = candidate + _HORIZON
        while candidate <= limit:
            if not self.matches_date(candidate):
                candidate = candidate.replace(hour=0, minute=0) + timedelta(days=1)
            elif candidate.hour not in self.hours:
                candidate = candidate.replace(minute=0) + timedelta(hours=1)
            elif candidate.minute not in self.minutes:
                candidate += timedelta(minutes=1)
            else:
                return candidate
        return None

    def upcoming(self, moment: datetime) -> Iterator[datetime]:
        """Yield all matching minutes after ``moment``."""
        current = self.next_after(moment)
        while current is not None:
            yield current
            current = self.next_after(current)

    def first(self, moment: datetime, count: int) -> list[datetime]:
        """Return the next ``count`` matching minutes."""
        return list(islice(self.upcoming(moment), count))
