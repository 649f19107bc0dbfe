"""Reading one field of a rule, such as ``1-5`` or ``*/15``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

from .errors import RuleError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True)
class FieldSpec:
    """The range of a field and the names of its values."""

    name: str
    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict)

    def value(self, text: str) -> int:
        """Return the number that ``text`` stands for."""
        word = text.strip().lower()
        if word in self.names:
            return self.names[word]
        try:
            number = int(word)
        except ValueError:
            raise RuleError(text, f"not a value of {self.name}") from None
        if not self.low <= number <= self.high:
            raise RuleError(text, f"{self.name} goes from {self.low} to {self.high}")
        return number


MINUTE = FieldSpec("minute", 0, 59)
HOUR = FieldSpec("hour", 0, 23)
DAY = FieldSpec("day", 1, 31)
MONTH = FieldSpec("month", 1, 12, {name: at for at, name in enumerate(_MONTHS, start=1)})
# Both 0 and 7 are Sunday, as in cron.
WEEKDAY = FieldSpec("weekday", 0, 7, {name: at for at, name in enumerate(_DAYS)})


def parse_field(text: str, spec: FieldSpec) -> frozenset[int]:
    """Return all values that a field allows."""
    values: set[int] = set()
    for part in text.split(","):
        values.update(_parse_part(part, spec))
    if spec is WEEKDAY and 7 in values:
        values.discard(7)
        values.add(0)
    return frozenset(values)


def _parse_part(part: str, spec: FieldSpec) -> range:
    body, slash, step_text = part.partition("/")
    step = _parse_step(step_text, part) if slash else 1
    if body == "*":
        high = 6 if spec is WEEKDAY else spec.high
        return range(spec.low, high + 1, step)
    first, dash, last = body.partition("-")
    low = spec.value(first)
    if dash:
        high = spec.value(last)
    elif slash:
        # ``5/10`` means: from 5 to the end, every 10.
        high = spec.high
    else:
        high = low
    if high < low:
        raise RuleError(part, "the range runs backwards")
    return range(low, high + 1, step)


def _parse_step(text: str, part: str) -> int:
    try:
        step = int(text)
    except ValueError:
        raise RuleError(part, "the step is not a number") from None
    if step < 1:
        raise RuleError(part, "the step must be positive")
    return step
