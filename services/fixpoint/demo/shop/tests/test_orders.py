from decimal import Decimal

import pytest

from shop.cart import Cart
from shop.errors import NotFound, OutOfStock, ShopError
from shop.orders import checkout, quote


def test_quote_adds_shipping(cart, catalogue, coupons, today):
    quoted = quote(cart, catalogue, coupons, "DE", today)
    assert (quoted.goods.due, quoted.shipping, quoted.total) == (Decimal("25.00"), Decimal("4.50"), Decimal("29.50"))


def test_a_coupon_can_cost_the_free_shipping(cart, catalogue, coupons, today):
    cart.add("mug", 2)
    assert quote(cart, catalogue, coupons, "DE", today).shipping == 0
    assert quote(cart, catalogue, coupons, "DE", today, "SPRING").total == Decimal("50.50")


def test_an_empty_cart_has_no_quote(catalogue, coupons, today):
    with pytest.raises(ShopError, match="empty"):
        quote(Cart(), catalogue, coupons, "DE", today)


def test_checkout(cart, catalogue, coupons, stock, book, today):
    quoted = quote(cart, catalogue, coupons, "DE", today)
    order = checkout(book, stock, cart, quoted, "ada@example.org", today)
    assert (order.number, order.quantities, order.total) == (4, {"mug": 2}, Decimal("29.50"))
    assert stock.available("mug") == 18
    assert len(cart) == 0


def test_checkout_without_stock_keeps_the_cart(cart, catalogue, coupons, stock, book, today):
    cart.add("lamp", 4)
    quoted = quote(cart, catalogue, coupons, "DE", today)
    with pytest.raises(OutOfStock):
        checkout(book, stock, cart, quoted, "ada@example.org", today)
    assert len(cart) == 6


def test_orders_of_a_customer_newest_first(book):
    assert [order.number for order in book.of("ada@example.org")] == [3, 1]
    assert book.of("eve@example.org") == []


def test_an_unknown_order(book):
    with pytest.raises(NotFound):
        book.get(99)
