"""Messages and addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Dict, List, Optional, Set, Tuple

_ADDRESS = re.compile(r'^\s*(?:"?([^"<]*?)"?\s*)?<([^<>\s]+@[^<>\s]+)>\s*$')
_BARE = re.compile(r"^[^<>\s@]+@[^<>\s@]+$")
_PREFIX = re.compile(r"^\s*(?:re|fwd?|aw|wg)(?:\[\d+\])?\s*:\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """A mail address with an optional name."""

    mail: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read ``Name <mail>`` or a bare address."""
        match = _ADDRESS.match(text)
        if match:
            return cls(match[2].lower(), (match[1] or "").strip())
        bare = text.strip()
        if not _BARE.match(bare):
            raise ValueError(f"{text!r} is not an address")
        return cls(bare.lower())

    @property
    def domain(self) -> str:
        """What follows the @."""
        return self.mail.rpartition("@")[2]

    def matches(self, pattern: str) -> bool:
        """Tell whether the address is ``user@host``, in ``@host`` or in a sub-domain by ``@.host``."""
        pattern = pattern.strip().lower()
        if pattern.startswith("@."):
            suffix = pattern[2:]
            return self.domain == suffix or self.domain.endswith("." + suffix)
        if pattern.startswith("@"):
            return self.domain == pattern[1:]
        return self.mail == pattern

    def __str__(self) -> str:
        return f"{self.name} <{self.mail}>" if self.name else self.mail


def split_addresses(text: str) -> List[Address]:
    """Read a list of addresses; a comma inside quotes does not separate."""
    parts: List[str] = []
    current: List[str] = []
    quoted = False
    for char in text:
        if char == '"':
            quoted = not quoted
        if char == "," and not quoted:
            parts.append("".join(current))
            current = []
        else:
            current.append(char)
    parts.append("".join(current))
    return [Address.parse(part) for part in parts if part.strip()]


def base_subject(subject: str) -> str:
    """Return a subject without ``Re:`` and the like, however often they stand there."""
    previous = None
    while previous != subject:
        previous = subject
        subject = _PREFIX.sub("", subject)
    return " ".join(subject.split())


@dataclass
class Message:
    """A message with its headers and what was done with it."""

    id: str
    sender: Address
    to: List[Address]
    subject: str
    received: datetime
    body: str = ""
    headers: Dict[str, str] = field(default_factory=dict)
    attachments: List[Tuple[str, int]] = field(default_factory=list)
    tags: Set[str] = field(default_factory=set)
    read: bool = False
    reply_to: Optional[Address] = None

    def header(self, name: str) -> Optional[str]:
        """Return a header, whatever the case of its name."""
        wanted = name.lower()
        for key, value in self.headers.items():
            if key.lower() == wanted:
                return value
        return None

    @property
    def size(self) -> int:
        """Bytes of body and attachments."""
        return len(self.body.encode("utf-8")) + sum(size for _, size in self.attachments)

    @property
    def list_id(self) -> Optional[str]:
        """The mailing list that the message came through."""
        value = self.header("List-Id")
        if value is None:
            return None
        match = re.search(r"<([^>]+)>", value)
        return (match[1] if match else value).strip().lower()

    def answer_to(self) -> Address:
        """Return where an answer goes."""
        return self.reply_to or self.sender

    @classmethod
    def parse(cls, text: str, received: datetime) -> "Message":
        """Read headers, an empty line and a body."""
        head, _, body = text.replace("\r\n", "\n").partition("\n\n")
        headers: Dict[str, str] = {}
        last: Optional[str] = None
        for line in head.split("\n"):
            if line[:1] in (" ", "\t") and last is not None:
                # A folded header goes on in the next line.
                headers[last] += " " + line.strip()
                continue
            name, colon, value = line.partition(":")
            if not colon:
                raise ValueError(f"{line!r} is not a header")
            last = name.strip()
            headers[last] = value.strip()
        found = {name.lower(): value for name, value in headers.items()}
        if "from" not in found:
            raise ValueError("no sender")
        reply_to = found.get("reply-to")
        return cls(
            id=found.get("message-id", ""),
            sender=Address.parse(found["from"]),
            to=split_addresses(found["to"]),
            subject=found.get("subject", ""),
            received=received,
            body=body,
            headers=headers,
            reply_to=Address.parse(reply_to) if reply_to else None,
        )
