"""Rules as text.

    rule "Invoices" priority 5
      if from @shop.example, @.bank.example
      if subject contains "invoice"
      unless has attachment .zip
      then tag money; move Finance/2024; stop
"""

from __future__ import annotations

import re
import shlex
from datetime import timedelta
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from .action import Action, AddTag, Delete, Forward, MarkRead, MoveTo, Reply
from .condition import All, Condition, Contains, From, HasAttachment, Larger, Matches, Not, Older, SentTo, Tagged
from .engine import Rule
from .errors import RuleSyntaxError
from .message import Address

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SIZES = {"": 1, "k": 1024, "m": 1024 * 1024}


def parse_age(text: str) -> timedelta:
    """Read ``36h``, ``3d`` or ``2w``."""
    match = re.fullmatch(r"(\d+)([hdw])", text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is not an age")
    return int(match[1]) * _UNITS[match[2]]


def parse_size(text: str) -> int:
    """Read ``500``, ``10k`` or ``5M`` as bytes."""
    match = re.fullmatch(r"(\d+)([km]?)b?", text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is not a size")
    return int(match[1]) * _SIZES[match[2]]


def _patterns(words: List[str]) -> Tuple[str, ...]:
    return tuple(part.strip() for part in " ".join(words).split(",") if part.strip())


def parse_condition(text: str) -> Condition:
    """Read one condition."""
    words = shlex.split(text)
    if not words:
        raise ValueError("a condition is missing")
    head, rest = words[0].lower(), words[1:]
    if head == "from" and rest:
        return From(_patterns(rest))
    if head == "to" and rest:
        return SentTo(_patterns(rest))
    if head == "has" and rest[:1] == ["attachment"]:
        return HasAttachment(rest[1].lower() if len(rest) > 1 else "")
    if head == "larger" and len(rest) == 1:
        return Larger(parse_size(rest[0]))
    if head == "older" and len(rest) == 1:
        return Older(parse_age(rest[0]))
    if head == "tagged" and len(rest) == 1:
        return Tagged(rest[0])
    if len(rest) == 2 and rest[0] == "contains":
        return Contains(head, rest[1])
    if len(rest) == 2 and rest[0] == "matches":
        return Matches(head, re.compile(rest[1], re.IGNORECASE))
    raise ValueError(f"cannot read the condition {text!r}")


_ACTIONS: Dict[str, Callable[[str], Action]] = {
    "move": MoveTo,
    "tag": AddTag,
    "forward": lambda text: Forward(Address.parse(text)),
    "reply": Reply,
}
_BARE: Dict[str, Callable[[], Action]] = {"delete": Delete, "read": MarkRead}


def parse_actions(text: str) -> Tuple[List[Action], bool]:
    """Read actions separated by semicolons, and whether the rules stop after them."""
    actions: List[Action] = []
    stop = False
    for part in _split(text):
        word, _, argument = part.partition(" ")
        word = word.lower()
        argument = " ".join(shlex.split(argument))
        if word == "stop":
            stop = True
        elif word in _BARE and not argument:
            actions.append(_BARE[word]())
        elif word in _ACTIONS and argument:
            actions.append(_ACTIONS[word](argument))
        else:
            raise ValueError(f"cannot read the action {part!r}")
    return actions, stop


def _split(text: str) -> Iterator[str]:
    """Yield what stands between semicolons outside quotes."""
    for part in re.findall(r'(?:"[^"]*"|[^;"])+', text):
        if part.strip():
            yield part.strip()


class _Draft:
    """A rule that is being read."""

    def __init__(self, name: str, priority: int, line: int) -> None:
        self.name = name
        self.priority = priority
        self.line = line
        self.conditions: List[Condition] = []
        self.actions: List[Action] = []
        self.stop = False

    def build(self) -> Rule:
        if not self.actions and not self.stop:
            raise RuleSyntaxError(self.line, f"rule {self.name!r} does nothing")
        return Rule(self.name, All(tuple(self.conditions)), tuple(self.actions), self.priority, self.stop)


_HEAD = re.compile(r'rule\s+(?:"([^"]+)"|(\S+))(?:\s+priority\s+(-?\d+))?')


def parse_rules(text: str) -> List[Rule]:
    """Read all rules of a text."""
    rules: List[Rule] = []
    draft: Optional[_Draft] = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        head = _HEAD.fullmatch(line)
        if head:
            if draft is not None:
                rules.append(draft.build())
            draft = _Draft(head[1] or head[2], int(head[3] or 0), number)
            continue
        if draft is None:
            raise RuleSyntaxError(number, "a rule has to begin first")
        word, _, rest = line.partition(" ")
        try:
            if word == "if":
                draft.conditions.append(parse_condition(rest))
            elif word == "unless":
                draft.conditions.append(Not(parse_condition(rest)))
            elif word == "then":
                actions, stop = parse_actions(rest)
                draft.actions.extend(actions)
                draft.stop = draft.stop or stop
            else:
                raise ValueError(f"cannot read {line!r}")
        except (ValueError, re.error) as error:
            raise RuleSyntaxError(number, str(error)) from error
    if draft is not None:
        rules.append(draft.build())
    return rules
