import unittest

from shop.auth.session import is_valid
from shop.cart import Cart, shipping


class CartTest(unittest.TestCase):
    def test_the_total_counts_quantities(self):
        cart = Cart()
        cart.add("tea", 4, 3)
        cart.add("cup", 8)
        self.assertEqual(cart.total(), 20)

    def test_nothing_is_not_a_quantity(self):
        with self.assertRaises(ValueError):
            Cart().add("tea", 4, 0)

    def test_shipping_costs_below_fifty(self):
        self.assertEqual(shipping(49), 5)

    def test_shipping_is_free_from_fifty_on(self):
        cart = Cart()
        cart.add("pot", 25, 2)
        self.assertEqual(cart.to_pay(), 50)


class SessionTest(unittest.TestCase):
    def test_a_session_ends_after_an_hour(self):
        self.assertTrue(is_valid(3599))
        self.assertFalse(is_valid(3600))
