"""Sorts the mail of a night."""

from datetime import datetime
from typing import List

from mailroom import Engine, Mailbox, Message, parse_rules

RULES = """
rule "developers" priority 10
  if list contains "dev."
  then move Lists/Dev; read; stop

rule "money"
  if subject contains invoice
  then tag money; move Finance
"""

MAILS = [
    "From: Bot <bot@lists.example>\nTo: dev@lists.example\nSubject: Build 311\nMessage-Id: <b1>\n"
    "List-Id: Developers <dev.lists.example>\n\nAll green.",
    "From: Shop <bill@shop.example>\nTo: me@example.org\nSubject: Your invoice 4711\nMessage-Id: <s1>\n\nPlease pay.",
]


class Night:
    def __init__(self) -> None:
        self.mailbox = Mailbox()
        self.engine = Engine(self.mailbox, parse_rules(RULES))

    def sort(self, mails: List[str], now: datetime) -> None:
        for text in mails:
            outcome = self.engine.receive(Message.parse(text, received=now), now)
            print(outcome.message.id, self.mailbox.where(outcome.message))


if __name__ == "__main__":
    Night().sort(MAILS, datetime(2024, 6, 3, 4, 30))
