"""What a rule asks of a message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Iterable, Protocol, Tuple

from .message import Message


class Condition(Protocol):
    """Something that holds for a message or does not."""

    def holds(self, message: Message, now: datetime) -> bool:
        """Tell whether it holds."""


@dataclass(frozen=True)
class From:
    """The sender is one of some patterns."""

    patterns: Tuple[str, ...]

    def holds(self, message: Message, now: datetime) -> bool:
        return any(message.sender.matches(pattern) for pattern in self.patterns)


@dataclass(frozen=True)
class SentTo:
    """One of the receivers is one of some patterns."""

    patterns: Tuple[str, ...]

    def holds(self, message: Message, now: datetime) -> bool:
        return any(address.matches(pattern) for address in message.to for pattern in self.patterns)


@dataclass(frozen=True)
class Contains:
    """A field contains a text, whatever its case."""

    field: str
    text: str

    def holds(self, message: Message, now: datetime) -> bool:
        return self.text.casefold() in text_of(message, self.field).casefold()


@dataclass(frozen=True)
class Matches:
    """A field matches a regular expression."""

    field: str
    pattern: "re.Pattern[str]"

    def holds(self, message: Message, now: datetime) -> bool:
        return self.pattern.search(text_of(message, self.field)) is not None


@dataclass(frozen=True)
class HasAttachment:
    """There is an attachment, of a kind if one is named."""

    suffix: str = ""

    def holds(self, message: Message, now: datetime) -> bool:
        return any(name.lower().endswith(self.suffix) for name, _ in message.attachments)


@dataclass(frozen=True)
class Larger:
    """The message has more bytes than this."""

    size: int

    def holds(self, message: Message, now: datetime) -> bool:
        return message.size > self.size


@dataclass(frozen=True)
class Older:
    """The message is at least this old."""

    age: timedelta

    def holds(self, message: Message, now: datetime) -> bool:
        return now - message.received >= self.age


@dataclass(frozen=True)
class Tagged:
    """The message carries a tag."""

    tag: str

    def holds(self, message: Message, now: datetime) -> bool:
        return self.tag in message.tags


@dataclass(frozen=True)
class Not:
    """The opposite."""

    inner: Condition

    def holds(self, message: Message, now: datetime) -> bool:
        return not self.inner.holds(message, now)


@dataclass(frozen=True)
class All:
    """Everything holds."""

    parts: Tuple[Condition, ...]

    def holds(self, message: Message, now: datetime) -> bool:
        return all(part.holds(message, now) for part in self.parts)


@dataclass(frozen=True)
class AnyOf:
    """Something holds."""

    parts: Tuple[Condition, ...]

    def holds(self, message: Message, now: datetime) -> bool:
        return any(part.holds(message, now) for part in self.parts)


def text_of(message: Message, field: str) -> str:
    """Return the text of a field: subject, body, anywhere, list or the name of a header."""
    if field == "subject":
        return message.subject
    if field == "body":
        return message.body
    if field == "anywhere":
        return join((message.subject, message.body))
    if field == "list":
        return message.list_id or ""
    return message.header(field) or ""


def join(parts: Iterable[str]) -> str:
    """Join texts by lines."""
    return "\n".join(parts)
