import unittest

from pricing import shipping


class ShippingTest(unittest.TestCase):
    def test_below_it_costs(self):
        self.assertEqual(shipping(LARGER - 1), SMALLER)

    def test_above_it_is_free(self):
        self.assertEqual(shipping(LARGER + 1), 0)

    def test_from_there_on_it_is_free(self):
        self.assertEqual(shipping(LARGER), 0)
