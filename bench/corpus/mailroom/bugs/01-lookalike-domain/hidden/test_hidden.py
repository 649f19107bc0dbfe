import unittest

from mailroom import Address


class HiddenTest(unittest.TestCase):
    def test_sub_domains(self):
        for domain, expected in [
            ("bank.example", True),
            ("mail.bank.example", True),
            ("a.b.bank.example", True),
            ("mybank.example", False),
            ("x.mybank.example", False),
            ("bank.example.org", False),
        ]:
            with self.subTest(domain):
                self.assertIs(Address("a@" + domain).matches("@.bank.example"), expected)
