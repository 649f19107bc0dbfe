"""Cutting text into statements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator, List, Tuple, Union

from .errors import ParseError, Place

_NAME = r"[A-Za-z_][\w-]*"
_SECTION = re.compile(rf"^\[\s*({_NAME}(?:\.{_NAME})*)\s*\]$")
_ASSIGN = re.compile(rf"^({_NAME}(?:\.{_NAME})*)\s*(\+?=)\s*(.*)$", re.DOTALL)
_INCLUDE = re.compile(r"^(include|try-include)\s+(\S.*)$")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(frozen=True)
class Section:
    """``[a.b]``"""

    path: Tuple[str, ...]
    place: Place


@dataclass(frozen=True)
class Assign:
    """``key = value`` or ``key += value``"""

    path: Tuple[str, ...]
    value: str
    append: bool
    place: Place


@dataclass(frozen=True)
class Include:
    """``include other.conf``; with ``try-include`` the file may be missing."""

    target: str
    optional: bool
    place: Place


Statement = Union[Section, Assign, Include]


def strip_comment(line: str) -> str:
    """Remove a comment; a hash inside quotes is none."""
    quoted = False
    escaped = False
    for at, char in enumerate(line):
        if escaped:
            escaped = False
        elif char == "\\" and quoted:
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "#" and not quoted:
            return line[:at].rstrip()
    return line.rstrip()


def unquote(text: str, place: Place) -> str:
    """Return what stands between quotes, with escapes resolved; other text as it is."""
    if not text.startswith('"'):
        return text
    if len(text) < 2 or not text.endswith('"'):
        raise ParseError("the quote is not closed", place)
    result: List[str] = []
    chars = iter(text[1:-1])
    for char in chars:
        if char != "\\":
            result.append(char)
            continue
        code = next(chars, "")
        if code not in _ESCAPES:
            raise ParseError(f"unknown escape \\{code}", place)
        result.append(_ESCAPES[code])
    return "".join(result)


def logical_lines(text: str) -> Iterator[Tuple[int, str]]:
    """Yield lines without comments, joined where they end in a backslash, with the number of their first line."""
    pending: List[str] = []
    first = 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = strip_comment(raw)
        if not pending:
            first = number
        if line.endswith("\\"):
            pending.append(line[:-1].strip())
            continue
        pending.append(line.strip())
        joined = " ".join(part for part in pending if part)
        pending = []
        if joined:
            yield first, joined
    if pending:
        joined = " ".join(part for part in pending if part)
        if joined:
            yield first, joined


def statements(text: str, source: str) -> Iterator[Statement]:
    """Yield the statements of a file."""
    for number, line in logical_lines(text):
        place = Place(source, number)
        section = _SECTION.match(line)
        if section:
            yield Section(tuple(section[1].split(".")), place)
            continue
        include = _INCLUDE.match(line)
        if include:
            yield Include(unquote(include[2], place), include[1] == "try-include", place)
            continue
        assign = _ASSIGN.match(line)
        if assign:
            value = unquote(assign[3].strip(), place)
            yield Assign(tuple(assign[1].split(".")), value, assign[2] == "+=", place)
            continue
        raise ParseError(f"cannot read {line!r}", place)
