import unittest

from mailroom import Message

from .support import NOW


class HiddenTest(unittest.TestCase):
    def test_without_receiver(self):
        parsed = Message.parse("From: a@x.org\nSubject: Hi\n\nBody", NOW)
        self.assertEqual(parsed.to, [])
        self.assertEqual(parsed.subject, "Hi")
        self.assertEqual(parsed.body, "Body")

    def test_with_receivers(self):
        parsed = Message.parse("from: a@x.org\nTO: b@x.org, C <c@x.org>\n\n", NOW)
        self.assertEqual([address.mail for address in parsed.to], ["b@x.org", "c@x.org"])

    def test_empty_receiver(self):
        self.assertEqual(Message.parse("From: a@x.org\nTo:\n\n", NOW).to, [])
