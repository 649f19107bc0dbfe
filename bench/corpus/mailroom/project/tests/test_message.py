import unittest

from mailroom import Address, Message
from mailroom.message import base_subject, split_addresses

from .support import NOW, message


class AddressTest(unittest.TestCase):
    def test_parse(self):
        for text, mail, name in [
            ("Ann <Ann@Example.org>", "ann@example.org", "Ann"),
            ('"Lee, Ann" <ann@example.org>', "ann@example.org", "Lee, Ann"),
            ("<ann@example.org>", "ann@example.org", ""),
            (" ann@example.org ", "ann@example.org", ""),
        ]:
            with self.subTest(text):
                self.assertEqual(Address.parse(text), Address(mail, name))

    def test_parse_refuses(self):
        for text in ["", "ann", "Ann <ann>", "a b@example.org"]:
            with self.subTest(text), self.assertRaises(ValueError):
                Address.parse(text)

    def test_str(self):
        self.assertEqual(str(Address("a@b.c", "A")), "A <a@b.c>")
        self.assertEqual(str(Address("a@b.c")), "a@b.c")

    def test_matches_whole_address(self):
        address = Address("ann@mail.example.org")
        self.assertTrue(address.matches("Ann@mail.example.org"))
        self.assertFalse(address.matches("bob@mail.example.org"))

    def test_matches_domain(self):
        address = Address("ann@mail.example.org")
        self.assertTrue(address.matches("@mail.example.org"))
        self.assertFalse(address.matches("@example.org"))

    def test_matches_subdomain(self):
        self.assertTrue(Address("ann@mail.example.org").matches("@.example.org"))
        self.assertTrue(Address("ann@example.org").matches("@.example.org"))

    def test_lookalike_domain_does_not_match(self):
        self.assertFalse(Address("ann@badexample.org").matches("@.example.org"))

    def test_split(self):
        addresses = split_addresses('"Lee, Ann" <a@x.org>, b@x.org,')
        self.assertEqual([address.mail for address in addresses], ["a@x.org", "b@x.org"])


class MessageTest(unittest.TestCase):
    TEXT = (
        "From: Ann <ann@example.org>\r\nTo: me@example.org, you@example.org\r\nSubject: A long\r\n  subject\r\n"
        "Message-ID: <1>\r\nList-Id: Chat <Chat.example.org>\r\n\r\nBody\r\n\r\nmore"
    )

    def test_parse(self):
        parsed = Message.parse(self.TEXT, NOW)
        self.assertEqual(parsed.id, "<1>")
        self.assertEqual(parsed.sender, Address("ann@example.org", "Ann"))
        self.assertEqual(len(parsed.to), 2)
        self.assertEqual(parsed.body, "Body\n\nmore")

    def test_folded_header(self):
        self.assertEqual(Message.parse(self.TEXT, NOW).subject, "A long subject")

    def test_parse_refuses(self):
        for text in ["Subject: x\n\n", "nonsense\n\n"]:
            with self.subTest(text), self.assertRaises(ValueError):
                Message.parse(text, NOW)

    def test_header_ignores_case(self):
        self.assertEqual(message(headers={"X-Spam": "yes"}).header("x-spam"), "yes")
        self.assertIsNone(message().header("x-spam"))

    def test_list_id(self):
        self.assertEqual(Message.parse(self.TEXT, NOW).list_id, "chat.example.org")
        self.assertIsNone(message().list_id)

    def test_size_is_bytes(self):
        self.assertEqual(message(body="äö", attachments=[("a", 10), ("b", 5)]).size, 19)

    def test_answer_to(self):
        self.assertEqual(message().answer_to().mail, "ann@example.org")
        self.assertEqual(message(reply_to=Address("x@y.z")).answer_to().mail, "x@y.z")

    def test_base_subject(self):
        for subject in ["Plan", "Re: Plan", "RE: Fwd: re[2]: Plan", "AW: WG:  Plan "]:
            with self.subTest(subject):
                self.assertEqual(base_subject(subject), "Plan")
        self.assertEqual(base_subject("Regarding: Plan"), "Regarding: Plan")
