import re
import unittest

from mailroom.condition import Contains, Matches, Not
from mailroom.condition import text_of

from .support import NOW, message


class HiddenTest(unittest.TestCase):
    def test_without_list(self):
        self.assertFalse(Contains("list", "dev").holds(message(), NOW))
        self.assertFalse(Matches("list", re.compile("dev")).holds(message(), NOW))
        self.assertTrue(Not(Contains("list", "dev")).holds(message(), NOW))

    def test_with_list(self):
        mail = message(headers={"List-Id": "Dev <dev.example.org>"})
        self.assertTrue(Contains("list", "dev").holds(mail, NOW))
        self.assertEqual(text_of(mail, "list"), "dev.example.org")
