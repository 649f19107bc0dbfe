"""Folders with messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Optional, Tuple

from .errors import MailroomError, QuotaExceeded, UnknownFolder
from .message import Message

INBOX = "Inbox"
TRASH = "Trash"


@dataclass
class Folder:
    """Messages in the order in which they came."""

    name: str
    messages: List[Message] = field(default_factory=list)

    @property
    def unread(self) -> int:
        """How many messages were not read yet."""
        return sum(not message.read for message in self.messages)

    @property
    def size(self) -> int:
        """Bytes of all messages."""
        return sum(message.size for message in self.messages)


class Mailbox:
    """All folders of a person."""

    def __init__(self, quota: Optional[int] = None) -> None:
        self.quota = quota
        self._folders: Dict[str, Folder] = {}
        self._where: Dict[str, str] = {}
        for name in (INBOX, TRASH):
            self.create(name)

    def create(self, name: str) -> Folder:
        """Create a folder and those above it, ``a/b`` being below ``a``; one that exists is returned."""
        parts = [part.strip() for part in name.split("/") if part.strip()]
        if not parts:
            raise MailroomError("a folder needs a name")
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            self._folders.setdefault(path, Folder(path))
        return self._folders["/".join(parts)]

    def folder(self, name: str) -> Folder:
        """Return a folder."""
        try:
            return self._folders[name]
        except KeyError:
            raise UnknownFolder(name) from None

    def names(self) -> List[str]:
        """Return the names of all folders."""
        return sorted(self._folders)

    def __iter__(self) -> Iterator[Tuple[str, Message]]:
        for name in self.names():
            for message in self._folders[name].messages:
                yield name, message

    @property
    def size(self) -> int:
        """Bytes of everything outside the trash."""
        return sum(folder.size for folder in self._folders.values() if folder.name != TRASH)

    def deliver(self, message: Message, folder: str = INBOX) -> None:
        """Put a new message into a folder."""
        if message.id in self._where:
            raise MailroomError(f"{message.id} was delivered before")
        target = self.folder(folder)
        if self.quota is not None and self.size + message.size > self.quota:
            raise QuotaExceeded(f"no room for {message.size} bytes")
        target.messages.append(message)
        self._where[message.id] = target.name

    def where(self, message: Message) -> Optional[str]:
        """Return the folder of a message."""
        return self._where.get(message.id)

    def move(self, message: Message, folder: str) -> None:
        """Move a message to another folder."""
        target = self.folder(folder)
        source = self._source(message)
        source.messages.remove(message)
        target.messages.append(message)
        self._where[message.id] = target.name

    def delete(self, message: Message) -> None:
        """Move a message to the trash; in the trash, remove it."""
        source = self._source(message)
        if source.name != TRASH:
            self.move(message, TRASH)
            return
        source.messages.remove(message)

    def remove_folder(self, name: str) -> int:
        """Remove a folder and those below it; their messages go to the trash. Return how many there were."""
        if name in (INBOX, TRASH):
            raise MailroomError(f"{name} cannot be removed")
        self.folder(name)
        doomed = [other for other in self.names() if other == name or other.startswith(name + "/")]
        moved = 0
        for other in doomed:
            for message in list(self._folders[other].messages):
                self.move(message, TRASH)
                moved += 1
            del self._folders[other]
        return moved

    def _source(self, message: Message) -> Folder:
        where = self.where(message)
        if where is None:
            raise MailroomError(f"{message.id} is not in this mailbox")
        return self._folders[where]
