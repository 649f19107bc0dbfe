import unittest

from report import average, daily_summary


class ReportTest(unittest.TestCase):
    def test_the_average_of_two(self):
        self.assertEqual(average([SMALLER, SMALLER + 2]), SMALLER + 1)

    def test_a_day_with_one_order(self):
        self.assertEqual(daily_summary([{"price": LARGER}]), {"orders": 1, "average": LARGER})
