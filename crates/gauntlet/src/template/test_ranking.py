import unittest

from ranking import best


class RankingTest(unittest.TestCase):
    def test_nobody(self):
        self.assertEqual(best([], SMALLER), [])

    def test_the_highest_comes_first(self):
        self.assertEqual(best([1, SMALLER, LARGER, 2], 1), [LARGER])
