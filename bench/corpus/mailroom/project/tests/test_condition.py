import re
import unittest
from datetime import timedelta

from mailroom.condition import (
    All,
    AnyOf,
    Contains,
    From,
    HasAttachment,
    Larger,
    Matches,
    Not,
    Older,
    SentTo,
    Tagged,
)

from .support import NOW, message


class ConditionTest(unittest.TestCase):
    def check(self, condition, expected, **options):
        self.assertIs(condition.holds(message(**options), NOW), expected)

    def test_from(self):
        self.check(From(("@example.org",)), True)
        self.check(From(("@other.org", "ann@example.org")), True)
        self.check(From(("@other.org",)), False)

    def test_sent_to(self):
        self.check(SentTo(("me@example.org",)), True)
        self.check(SentTo(("you@example.org",)), False)

    def test_contains_ignores_case(self):
        self.check(Contains("subject", "INVOICE"), True, subject="Your invoice")
        self.check(Contains("body", "straße"), True, body="STRASSE")
        self.check(Contains("anywhere", "x"), False, subject="a", body="b")

    def test_contains_header(self):
        self.check(Contains("x-mailer", "bulk"), True, headers={"X-Mailer": "BulkSender"})
        self.check(Contains("x-mailer", "bulk"), False)

    def test_matches(self):
        self.check(Matches("subject", re.compile(r"#\d+")), True, subject="Ticket #12")
        self.check(Matches("subject", re.compile(r"#\d+")), False, subject="Ticket")

    def test_list(self):
        self.check(Contains("list", "chat"), True, headers={"list-id": "<chat.x.org>"})

    def test_attachment(self):
        self.check(HasAttachment(), False)
        self.check(HasAttachment(), True, attachments=[("a.txt", 1)])
        self.check(HasAttachment(".pdf"), True, attachments=[("a.txt", 1), ("B.PDF", 1)])
        self.check(HasAttachment(".pdf"), False, attachments=[("a.txt", 1)])

    def test_larger(self):
        self.check(Larger(4), True, body="12345")
        self.check(Larger(5), False, body="12345")

    def test_older(self):
        self.check(Older(timedelta(hours=2)), True, hours=2)
        self.check(Older(timedelta(hours=2)), False, hours=1)

    def test_combinations(self):
        yes, no = Tagged("a"), Tagged("b")
        for condition, expected in [
            (All((yes, no)), False),
            (All((yes, Not(no))), True),
            (AnyOf((no, yes)), True),
            (AnyOf((no, Not(yes))), False),
            (All(()), True),
        ]:
            with self.subTest(condition):
                self.check(condition, expected, tags={"a"})
