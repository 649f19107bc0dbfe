import unittest
from datetime import timedelta

from mailroom import Engine, Mailbox, Rule, parse_rules
from mailroom.action import AddTag, Delete, Forward, MarkRead, MoveTo, Reply
from mailroom.condition import All, Contains, Older
from mailroom.message import Address

from .support import NOW, message

ALWAYS = All(())


class EngineTest(unittest.TestCase):
    def setUp(self):
        self.mailbox = Mailbox()
        self.engine = Engine(self.mailbox)

    def rule(self, name, *actions, condition=ALWAYS, **options):
        self.engine.add(Rule(name, condition, actions, **options))

    def test_applies_in_order(self):
        self.rule("low", AddTag("a"), priority=1)
        self.rule("high", AddTag("b"), priority=2)
        self.rule("low too", MarkRead(), priority=1)
        outcome = self.engine.receive(message(), NOW)
        self.assertEqual(outcome.applied, ["high", "low", "low too"])
        self.assertEqual(outcome.message.tags, {"a", "b"})

    def test_stop(self):
        self.rule("first", AddTag("a"), stop=True)
        self.rule("second", AddTag("b"))
        outcome = self.engine.receive(message(), NOW)
        self.assertTrue(outcome.stopped)
        self.assertEqual(outcome.applied, ["first"])

    def test_delete_stops(self):
        self.rule("first", Delete(), AddTag("a"))
        self.rule("second", MoveTo("Work"))
        outcome = self.engine.receive(message(), NOW)
        self.assertTrue(outcome.stopped)
        self.assertEqual(outcome.applied, ["first"])
        self.assertEqual(outcome.message.tags, set())
        self.assertEqual(self.mailbox.where(outcome.message), "Trash")

    def test_disabled(self):
        self.rule("first", AddTag("a"), enabled=False)
        self.assertEqual(self.engine.receive(message(), NOW).applied, [])

    def test_same_name_is_replaced(self):
        self.rule("a", AddTag("old"))
        self.rule("a", AddTag("new"))
        self.assertEqual(self.engine.receive(message(), NOW).message.tags, {"new"})
        self.assertEqual(len(self.engine.rules), 1)

    def test_move_creates_folder(self):
        self.rule("a", MoveTo("x/y"))
        outcome = self.engine.receive(message(), NOW)
        self.assertEqual(self.mailbox.where(outcome.message), "x/y")

    def test_sweep(self):
        self.rule("old", MoveTo("Archive"), condition=Older(timedelta(hours=24)))
        for hours in (1, 30, 2, 40, 50):
            self.mailbox.deliver(message(hours=hours))
        self.assertEqual(len(self.engine.sweep(NOW)), 3)
        self.assertEqual(len(self.mailbox.folder("Archive").messages), 3)
        self.assertEqual(len(self.mailbox.folder("Inbox").messages), 2)

    def test_unused(self):
        self.rule("a", AddTag("a"), condition=Contains("subject", "hello"))
        self.rule("b", AddTag("b"), condition=Contains("subject", "nope"))
        self.engine.receive(message(), NOW)
        self.assertEqual(self.engine.unused(), ["b"])
        self.assertEqual(self.engine.hits, {"a": 1, "b": 0})

    def test_from_text(self):
        for rule in parse_rules('rule a\n  if subject contains "hel"\n  then read; move Seen'):
            self.engine.add(rule)
        self.engine.receive(message(), NOW)
        self.assertEqual(self.mailbox.folder("Seen").unread, 0)


class SendingTest(unittest.TestCase):
    def setUp(self):
        self.engine = Engine(Mailbox())

    def sent(self, action, **options):
        self.engine.add(Rule("a", ALWAYS, (action,)))
        self.engine.receive(message(**options), NOW)
        return [(str(to), subject) for to, subject, _ in self.engine.outbox.sent]

    def test_reply(self):
        self.assertEqual(self.sent(Reply("Thanks")), [("Ann <ann@example.org>", "Re: Hello")])

    def test_reply_does_not_pile_up(self):
        self.assertEqual(self.sent(Reply("Thanks"), subject="RE: Hello"), [("Ann <ann@example.org>", "RE: Hello")])

    def test_reply_to(self):
        sent = self.sent(Reply("Thanks"), reply_to=Address("desk@example.org"))
        self.assertEqual(sent, [("desk@example.org", "Re: Hello")])

    def test_no_reply_to_machines(self):
        for options in [
            {"headers": {"Auto-Submitted": "auto-replied"}},
            {"headers": {"List-Id": "<l.example.org>"}},
            {"sender": "noreply@example.org"},
        ]:
            with self.subTest(options):
                self.assertEqual(self.sent(Reply("Thanks"), **options), [])

    def test_reply_when_not_automatic(self):
        self.assertEqual(len(self.sent(Reply("Thanks"), headers={"Auto-Submitted": "No"})), 1)

    def test_forward(self):
        self.assertEqual(self.sent(Forward(Address("bob@x.org"))), [("bob@x.org", "Fwd: Hello")])

    def test_forward_not_back(self):
        self.assertEqual(self.sent(Forward(Address("ann@example.org"))), [])
