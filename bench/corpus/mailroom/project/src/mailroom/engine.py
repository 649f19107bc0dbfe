"""Applying rules to messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Dict, Iterable, List, Tuple

from .action import Action, Delete, Outbox
from .condition import Condition
from .mailbox import INBOX, Mailbox
from .message import Message


@dataclass
class Rule:
    """When a condition holds, some actions run; rules of higher priority come first."""

    name: str
    condition: Condition
    actions: Tuple[Action, ...]
    priority: int = 0
    stop: bool = False
    enabled: bool = True


@dataclass
class Outcome:
    """What the rules did with a message."""

    message: Message
    applied: List[str] = field(default_factory=list)
    stopped: bool = False


class Engine:
    """Rules, and how often each of them applied."""

    def __init__(self, mailbox: Mailbox, rules: Iterable[Rule] = ()) -> None:
        self.mailbox = mailbox
        self.outbox = Outbox([])
        self.hits: Dict[str, int] = {}
        self._rules: List[Rule] = []
        for rule in rules:
            self.add(rule)

    @property
    def rules(self) -> List[Rule]:
        """The rules in the order in which they are tried."""
        return list(self._rules)

    def add(self, rule: Rule) -> None:
        """Add a rule after those of the same priority; one of the same name is replaced."""
        self._rules = [other for other in self._rules if other.name != rule.name]
        self._rules.append(rule)
        self._rules.sort(key=lambda other: -other.priority)
        self.hits.setdefault(rule.name, 0)

    def receive(self, message: Message, now: datetime) -> Outcome:
        """Deliver a new message and apply the rules to it."""
        self.mailbox.deliver(message)
        return self.apply(message, now)

    def apply(self, message: Message, now: datetime) -> Outcome:
        """Apply the rules to a message that is in the mailbox."""
        outcome = Outcome(message)
        for rule in self._rules:
            if not rule.enabled or not rule.condition.holds(message, now):
                continue
            deleted = self._run(rule, message)
            outcome.applied.append(rule.name)
            self.hits[rule.name] += 1
            if rule.stop or deleted:
                outcome.stopped = True
                break
        return outcome

    def _run(self, rule: Rule, message: Message) -> bool:
        for action in rule.actions:
            action.run(message, self.mailbox, self.outbox)
            if isinstance(action, Delete):
                # Nothing can be done with it after that.
                return True
        return False

    def sweep(self, now: datetime, folder: str = INBOX) -> List[Outcome]:
        """Apply the rules again to all messages of a folder; return those where something happened."""
        outcomes = []
        for message in list(self.mailbox.folder(folder).messages):
            outcome = self.apply(message, now)
            if outcome.applied:
                outcomes.append(outcome)
        return outcomes

    def unused(self) -> List[str]:
        """Return the rules that never applied."""
        return [rule.name for rule in self._rules if self.hits[rule.name] == 0]
