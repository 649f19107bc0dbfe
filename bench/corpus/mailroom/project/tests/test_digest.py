import unittest
from datetime import timedelta

from mailroom import Mailbox
from mailroom.digest import conversations, digest, parent_id, top_senders

from .support import NOW, message


class ConversationTest(unittest.TestCase):
    def test_by_reference(self):
        first = message(subject="Plan", id="<1>", hours=3)
        second = message(subject="Other words", id="<2>", hours=2, headers={"In-Reply-To": "<1>"})
        third = message(subject="Again", id="<3>", hours=1, headers={"References": "<0> <2>"})
        (only,) = conversations([third, first, second])
        self.assertEqual([m.id for m in only.messages], ["<1>", "<2>", "<3>"])
        self.assertEqual(only.subject, "Plan")

    def test_by_subject_only_for_answers(self):
        first = message(subject="Plan", hours=3)
        answer = message(subject="Re: plan", hours=2)
        again = message(subject="Plan", hours=1)
        groups = conversations([first, answer, again])
        self.assertEqual([len(group.messages) for group in groups], [1, 2])

    def test_people(self):
        group = conversations(
            [message(hours=3), message("bob@x.org", "Re: Hello", hours=2), message(subject="Re: Hello", hours=1)]
        )[0]
        self.assertEqual(group.people(), ["Ann", "bob@x.org"])

    def test_without_subject(self):
        self.assertEqual(conversations([message(subject="Re: ")])[0].subject, "(no subject)")

    def test_parent(self):
        self.assertIsNone(parent_id(message()))
        self.assertEqual(parent_id(message(headers={"references": "<a> <b>", "in-reply-to": "<c>"})), "<b>")


class DigestTest(unittest.TestCase):
    def setUp(self):
        self.mailbox = Mailbox()

    def test_nothing(self):
        self.assertEqual(digest(self.mailbox, NOW), "Nothing new.")

    def test_digest(self):
        self.mailbox.deliver(message(subject="Plan", hours=5, read=True))
        self.mailbox.deliver(message("bob@x.org", "Re: Plan", hours=2))
        self.mailbox.deliver(message("bob@x.org", "Lunch", hours=1))
        self.mailbox.deliver(message(subject="Old", hours=25))
        self.assertEqual(
            digest(self.mailbox, NOW).splitlines(),
            ["3 new, 2 unread", "- Lunch: bob@x.org", "- Plan (2): Ann, bob@x.org", "Most from: bob@x.org (2), ann@example.org (1)"],
        )

    def test_trash_is_left_out(self):
        gone = message()
        self.mailbox.deliver(gone)
        self.mailbox.delete(gone)
        self.assertEqual(digest(self.mailbox, NOW), "Nothing new.")

    def test_period(self):
        self.mailbox.deliver(message(hours=48))
        self.assertEqual(digest(self.mailbox, NOW, timedelta(days=2)).splitlines()[0], "1 new, 1 unread")

    def test_top_senders(self):
        messages = [message("b@x.org"), message("a@x.org"), message("c@x.org"), message("c@x.org"), message("d@x.org")]
        self.assertEqual(top_senders(messages), ["c@x.org (2)", "a@x.org (1)", "b@x.org (1)"])
