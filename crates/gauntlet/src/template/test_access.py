import unittest

from access import may_enter


class AccessTest(unittest.TestCase):
    def test_the_grown_up(self):
        self.assertTrue(may_enter(LARGER, False))

    def test_the_young(self):
        self.assertFalse(may_enter(SMALLER, False))

    def test_the_banned(self):
        self.assertFalse(may_enter(LARGER + 1, True))
