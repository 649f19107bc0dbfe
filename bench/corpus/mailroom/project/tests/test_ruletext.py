import unittest
from datetime import timedelta

from mailroom import RuleSyntaxError, parse_rules
from mailroom.action import AddTag, Delete, Forward, MarkRead, MoveTo, Reply
from mailroom.condition import All, Contains, From, HasAttachment, Larger, Matches, Not, Older, SentTo
from mailroom.message import Address
from mailroom.ruletext import parse_actions, parse_age, parse_condition, parse_size

TEXT = """
# money
rule "Invoices, paid" priority 5
  if from @shop.example, @.bank.example
  if subject contains "your invoice"
  unless has attachment .ZIP
  then tag money; move Finance/2024
  then stop

rule spam priority -1
  if x-spam contains yes
  then delete
"""


class RuleTextTest(unittest.TestCase):
    def test_rules(self):
        first, second = parse_rules(TEXT)
        self.assertEqual((first.name, first.priority, first.stop), ("Invoices, paid", 5, True))
        self.assertEqual(
            first.condition,
            All(
                (
                    From(("@shop.example", "@.bank.example")),
                    Contains("subject", "your invoice"),
                    Not(HasAttachment(".zip")),
                )
            ),
        )
        self.assertEqual(first.actions, (AddTag("money"), MoveTo("Finance/2024")))
        self.assertEqual((second.name, second.priority, second.stop), ("spam", -1, False))

    def test_no_rules(self):
        self.assertEqual(parse_rules("# nothing\n\n"), [])

    def test_conditions(self):
        for text, expected in [
            ("to team@x.org", SentTo(("team@x.org",))),
            ("larger 5M", Larger(5 * 1024 * 1024)),
            ("older 3d", Older(timedelta(days=3))),
            ("has attachment", HasAttachment("")),
        ]:
            with self.subTest(text):
                self.assertEqual(parse_condition(text), expected)

    def test_regular_expression(self):
        condition = parse_condition(r'subject matches "^\[bug\]"')
        self.assertIsInstance(condition, Matches)
        self.assertTrue(condition.pattern.search("[BUG] it broke"))

    def test_actions(self):
        actions, stop = parse_actions('read; reply "Thanks; bye"; forward Bob <bob@x.org>; stop;')
        self.assertTrue(stop)
        self.assertEqual(actions, [MarkRead(), Reply("Thanks; bye"), Forward(Address("bob@x.org", "Bob"))])

    def test_action_words_ignore_case(self):
        self.assertEqual(parse_actions("DELETE"), ([Delete()], False))

    def test_errors_have_lines(self):
        for text, line in [
            ("if from a@b.c", 1),
            ("rule a\n  if nonsense\n  then delete", 2),
            ("rule a\n\n  then fly", 3),
            ("rule a\n  if subject matches \"(\"\n  then delete", 2),
            ("rule a\n  then forward nobody", 2),
            ("rule a\n  if from\n  then delete", 2),
            ("rule a\n  if from a@b.c", 1),
            ("rule a\n  if from a@b.c\nrule b\n  then delete", 1),
        ]:
            with self.subTest(text):
                with self.assertRaises(RuleSyntaxError) as caught:
                    parse_rules(text)
                self.assertEqual(caught.exception.line, line)

    def test_age(self):
        self.assertEqual(parse_age("36h"), timedelta(hours=36))
        self.assertEqual(parse_age("2W"), timedelta(days=14))
        with self.assertRaises(ValueError):
            parse_age("3y")

    def test_size(self):
        self.assertEqual(parse_size("500"), 500)
        self.assertEqual(parse_size("10 k".replace(" ", "")), 10240)
        with self.assertRaises(ValueError):
            parse_size("big")
