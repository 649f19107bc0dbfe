"""What can go wrong, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional


@dataclass(frozen=True)
class Place:
    """A line of a file."""

    source: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}"


class ConfigError(Exception):
    """Base of all errors of this package."""

    def __init__(self, message: str, place: Optional[Place] = None) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place


class ParseError(ConfigError):
    """Text that is not a configuration."""


class IncludeError(ConfigError):
    """A file that cannot be included."""


class ReferenceError_(ConfigError):
    """A reference to nothing, or in a circle."""


class ConversionError(ConfigError):
    """A value that is not of the wanted type."""


class SchemaError(ConfigError):
    """Settings that break the rules of a schema."""

    def __init__(self, problems: List[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
