"""Rules that sort messages into folders."""

from .engine import Engine, Outcome, Rule
from .errors import MailroomError, QuotaExceeded, RuleSyntaxError, UnknownFolder
from .mailbox import Mailbox
from .message import Address, Message
from .ruletext import parse_rules

__all__ = [
    "Address",
    "Engine",
    "MailroomError",
    "Mailbox",
    "Message",
    "Outcome",
    "QuotaExceeded",
    "Rule",
    "RuleSyntaxError",
    "UnknownFolder",
    "parse_rules",
]
