import unittest

from limits import clamp


class ClampTest(unittest.TestCase):
    def test_below(self):
        self.assertEqual(clamp(0, SMALLER, LARGER), SMALLER)

    def test_above(self):
        self.assertEqual(clamp(LARGER + 5, SMALLER, LARGER), LARGER)

    def test_between(self):
        self.assertEqual(clamp(SMALLER + 1, SMALLER, LARGER), SMALLER + 1)
