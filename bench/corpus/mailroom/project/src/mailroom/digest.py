"""Conversations and a daily summary."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Dict, Iterable, List, Optional

from .mailbox import TRASH, Mailbox
from .message import Message, base_subject


@dataclass(frozen=True)
class Conversation:
    """Messages that belong together, oldest first."""

    subject: str
    messages: List[Message]

    @property
    def last(self) -> datetime:
        """When the newest message came."""
        return self.messages[-1].received

    def people(self) -> List[str]:
        """Return who wrote, in the order of their first message."""
        seen: Dict[str, str] = {}
        for message in self.messages:
            seen.setdefault(message.sender.mail, message.sender.name or message.sender.mail)
        return list(seen.values())


def parent_id(message: Message) -> Optional[str]:
    """Return the id of the message that this one answers."""
    references = (message.header("References") or "").split()
    if references:
        return references[-1]
    answer = (message.header("In-Reply-To") or "").split()
    return answer[0] if answer else None


def conversations(messages: Iterable[Message]) -> List[Conversation]:
    """Group messages by what they answer, or by subject where that is unknown; the newest conversation first."""
    ordered = sorted(messages, key=lambda message: message.received)
    by_id: Dict[str, List[Message]] = {}
    by_subject: Dict[str, List[Message]] = {}
    groups: List[List[Message]] = []
    for message in ordered:
        parent = parent_id(message)
        subject = base_subject(message.subject).casefold()
        group = by_id.get(parent) if parent else None
        if group is None and base_subject(message.subject) != message.subject.strip():
            group = by_subject.get(subject)
        if group is None:
            group = []
            groups.append(group)
        group.append(message)
        by_id[message.id] = group
        by_subject[subject] = group
    result = [Conversation(base_subject(group[0].subject) or "(no subject)", group) for group in groups]
    return sorted(result, key=lambda conversation: conversation.last, reverse=True)


def top_senders(messages: Iterable[Message], count: int = 3) -> List[str]:
    """Return who wrote most; by address where two wrote the same number."""
    counts = Counter(message.sender.mail for message in messages)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [f"{mail} ({number})" for mail, number in ranked[:count]]


def digest(mailbox: Mailbox, now: datetime, period: timedelta = timedelta(days=1)) -> str:
    """Summarise what came in during a period, without the trash."""
    since = now - period
    fresh = [message for name, message in mailbox if name != TRASH and since <= message.received <= now]
    if not fresh:
        return "Nothing new."
    lines = [f"{len(fresh)} new, {sum(not message.read for message in fresh)} unread"]
    for conversation in conversations(fresh):
        count = len(conversation.messages)
        suffix = f" ({count})" if count > 1 else ""
        lines.append(f"- {conversation.subject}{suffix}: {', '.join(conversation.people())}")
    lines.append("Most from: " + ", ".join(top_senders(fresh)))
    return "\n".join(lines)
