import unittest

from stock import available, missing


class StockTest(unittest.TestCase):
    def test_what_is_there(self):
        self.assertEqual(available({"tea": LARGER}, "tea"), LARGER)

    def test_what_was_never_there(self):
        self.assertEqual(missing({"tea": SMALLER}, ["tea", "cup"]), ["cup"])
