"""What a rule does with a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Protocol, Tuple

from .mailbox import Mailbox
from .message import Address, Message


@dataclass
class Outbox:
    """Messages that are to be sent: receiver, subject and body."""

    sent: List[Tuple[Address, str, str]]

    def send(self, to: Address, subject: str, body: str) -> None:
        """Queue a message."""
        self.sent.append((to, subject, body))


class Action(Protocol):
    """Something to be done."""

    def run(self, message: Message, mailbox: Mailbox, outbox: Outbox) -> None:
        """Do it."""


@dataclass(frozen=True)
class MoveTo:
    """Move to a folder, which is created if need be."""

    folder: str

    def run(self, message: Message, mailbox: Mailbox, outbox: Outbox) -> None:
        mailbox.move(message, mailbox.create(self.folder).name)


@dataclass(frozen=True)
class AddTag:
    """Tag the message."""

    tag: str

    def run(self, message: Message, mailbox: Mailbox, outbox: Outbox) -> None:
        message.tags.add(self.tag)


@dataclass(frozen=True)
class MarkRead:
    """Mark the message as read."""

    def run(self, message: Message, mailbox: Mailbox, outbox: Outbox) -> None:
        message.read = True


@dataclass(frozen=True)
class Delete:
    """Move the message to the trash."""

    def run(self, message: Message, mailbox: Mailbox, outbox: Outbox) -> None:
        mailbox.delete(message)


@dataclass(frozen=True)
class Forward:
    """Send the message on; what was forwarded to us by the same address does not go back."""

    to: Address

    def run(self, message: Message, mailbox: Mailbox, outbox: Outbox) -> None:
        if message.sender.mail == self.to.mail:
            return
        outbox.send(self.to, f"Fwd: {message.subject}", message.body)


@dataclass(frozen=True)
class Reply:
    """Answer with a text; machines and lists get no answer."""

    text: str

    def run(self, message: Message, mailbox: Mailbox, outbox: Outbox) -> None:
        if is_automatic(message):
            return
        subject = message.subject
        if not subject.lower().startswith("re:"):
            subject = f"Re: {subject}"
        outbox.send(message.answer_to(), subject, self.text)


def is_automatic(message: Message) -> bool:
    """Tell whether a machine wrote the message."""
    submitted: Optional[str] = message.header("Auto-Submitted")
    if submitted is not None and submitted.strip().lower() != "no":
        return True
    if message.list_id is not None:
        return True
    return message.sender.mail.startswith(("no-reply@", "noreply@", "mailer-daemon@"))
