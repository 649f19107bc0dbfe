"""Checking settings and filling in defaults."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

from .convert import CONVERTERS
from .errors import ConversionError, SchemaError
from .settings import Settings


@dataclass(frozen=True)
class Option:
    """What is allowed for one name."""

    name: str
    kind: str = "text"
    required: bool = False
    default: Any = None
    choices: Tuple[str, ...] = ()
    low: Optional[float] = None
    high: Optional[float] = None

    def __post_init__(self) -> None:
        if self.kind not in CONVERTERS:
            raise ValueError(f"unknown kind {self.kind!r}")

    def check(self, value: Any) -> Optional[str]:
        """Return what is wrong with a converted value."""
        if self.choices:
            values = value if isinstance(value, list) else [value]
            for item in values:
                if item not in self.choices:
                    return f"{self.name} must be one of {', '.join(self.choices)}, not {item}"
        if self.low is not None and value < self.low:
            return f"{self.name} must be at least {self.low:g}"
        if self.high is not None and value > self.high:
            return f"{self.name} must be at most {self.high:g}"
        return None


@dataclass
class Schema:
    """All options that a program knows."""

    options: List[Option] = field(default_factory=list)
    strict: bool = True

    def apply(self, settings: Settings) -> Dict[str, Any]:
        """Return all values by name, converted; raise with all problems at once."""
        problems: List[str] = []
        values: Dict[str, Any] = {}
        for option in self.options:
            if option.name not in settings:
                if option.required:
                    problems.append(f"{option.name} is missing")
                values[option.name] = option.default
                continue
            try:
                value = settings.get(option.name, kind=option.kind)
            except ConversionError as error:
                problems.append(str(error))
                continue
            problem = option.check(value)
            if problem is not None:
                problems.append(problem)
            values[option.name] = value
        if self.strict:
            problems.extend(self._unknown(settings))
        if problems:
            raise SchemaError(problems)
        return values

    def _unknown(self, settings: Settings) -> List[str]:
        known = [option.name for option in self.options]
        problems = []
        for name, _ in settings.items():
            if name in known:
                continue
            close = difflib.get_close_matches(name, known, n=1)
            hint = f", did you mean {close[0]}?" if close else ""
            problems.append(f"{name} is not known{hint}")
        return problems
