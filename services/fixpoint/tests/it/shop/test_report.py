import unittest

from shop.report import average, daily_summary


class ReportTest(unittest.TestCase):
    def test_the_average_of_two(self):
        self.assertEqual(average([4, 8]), 6)

    def test_a_day_with_one_order(self):
        self.assertEqual(daily_summary([{"price": 4}]), {"orders": 1, "average": 4})
