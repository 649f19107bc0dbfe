"""Turning text into values."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import List

from .errors import ConversionError

_TRUE = frozenset({"yes", "true", "on", "1"})
_FALSE = frozenset({"no", "false", "off", "0"})
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?$", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def to_bool(text: str) -> bool:
    """Read yes or no."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ConversionError(f"{text!r} is neither yes nor no")


def to_int(text: str) -> int:
    """Read a whole number; ``1_000`` and ``0x1f`` are numbers."""
    try:
        return int(text.strip(), 0)
    except ValueError:
        raise ConversionError(f"{text!r} is not a whole number") from None


def to_float(text: str) -> float:
    """Read a number."""
    try:
        return float(text)
    except ValueError:
        raise ConversionError(f"{text!r} is not a number") from None


def to_duration(text: str) -> timedelta:
    """Read ``1h 30m``; a bare number is seconds."""
    cleaned = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", cleaned):
        return timedelta(seconds=float(cleaned))
    seconds = 0.0
    end = 0
    for match in _DURATION.finditer(cleaned):
        if cleaned[end:match.start()].strip():
            break
        seconds += float(match[1]) * _SECONDS[match[2]]
        end = match.end()
    if end == 0 or cleaned[end:].strip():
        raise ConversionError(f"{text!r} is not a duration")
    return timedelta(seconds=seconds)


def to_size(text: str) -> int:
    """Read ``10MB`` (powers of 1000) or ``10MiB`` (powers of 1024) as bytes."""
    match = _SIZE.match(text.strip())
    if match is None:
        raise ConversionError(f"{text!r} is not a size")
    base = 1024 if match[3] else 1000
    return int(float(match[1]) * base ** _POWERS[match[2].lower()])


def to_list(text: str) -> List[str]:
    """Read a list separated by commas; empty items are left out."""
    return [item.strip() for item in text.split(",") if item.strip()]


CONVERTERS = {
    "text": str,
    "bool": to_bool,
    "int": to_int,
    "float": to_float,
    "duration": to_duration,
    "size": to_size,
    "list": to_list,
}
