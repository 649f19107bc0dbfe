"""Fetches messages from a spool and puts them into a mailbox."""

from datetime import datetime
from typing import Iterable

from mailroom import Engine, Mailbox, Message, Outcome, parse_rules

SPOOL = [
    "From: Ann <ann@example.org>\nTo: me@example.org\nSubject: Lunch?\nMessage-Id: <1>\n\nAt noon.",
    "From: News <news@paper.example>\nSubject: This week\nMessage-Id: <2>\nPrecedence: bulk\n\nMuch happened.",
]


class Fetcher:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def fetch(self, spool: Iterable[str], now: datetime) -> None:
        for text in spool:
            outcome = self.handle(text, now)
            print(outcome.message.subject, outcome.applied)

    def handle(self, text: str, now: datetime) -> Outcome:
        message = Message.parse(text, received=now)
        return self.engine.receive(message, now)


def main() -> None:
    rules = parse_rules("rule bulk\n  if precedence contains bulk\n  then move News")
    Fetcher(Engine(Mailbox(), rules)).fetch(SPOOL, datetime(2024, 6, 3, 4, 30))


if __name__ == "__main__":
    main()
