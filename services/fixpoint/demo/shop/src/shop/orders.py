"""Checkout and the order book."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Dict, List, Mapping, Optional

from shop.cart import Cart, weight_of
from shop.catalogue import Catalogue
from shop.errors import NotFound, ShopError
from shop.money import money
from shop.pricing import Coupon, Price, price
from shop.shipping import shipping_cost
from shop.stock import Stock


@dataclass(frozen=True)
class Quote:
    goods: Price
    shipping: Decimal

    @property
    def total(self) -> Decimal:
        return money(self.goods.due + self.shipping)


@dataclass(frozen=True)
class Order:
    number: int
    email: str
    placed_on: date
    quantities: Mapping[str, int]
    total: Decimal
    status: str = "placed"


@dataclass
class OrderBook:
    _orders: Dict[int, Order] = field(default_factory=dict)

    def record(self, email: str, on: date, quantities: Mapping[str, int], total: Decimal) -> Order:
        order = Order(len(self._orders) + 1, email, on, dict(quantities), total)
        self._orders[order.number] = order
        return order

    def get(self, number: int) -> Order:
        try:
            return self._orders[number]
        except KeyError:
            raise NotFound(f"no order {number}") from None

    def of(self, email: str) -> List[Order]:
        """A customer's orders, newest first."""
        mine = [order for order in self._orders.values() if order.email == email]
        return sorted(mine, key=lambda order: order.number, reverse=True)

    def all(self) -> List[Order]:
        return list(self._orders.values())


def quote(
    cart: Cart,
    catalogue: Catalogue,
    coupons: Mapping[str, Coupon],
    country: str,
    today: date,
    code: Optional[str] = None,
) -> Quote:
    """What the cart costs, delivered to `country`."""
    if not len(cart):
        raise ShopError("the cart is empty")
    lines = cart.lines(catalogue)
    goods = price(lines, coupons, today, code)
    return Quote(goods, shipping_cost(goods.due, weight_of(lines), country))


def checkout(
    book: OrderBook, stock: Stock, cart: Cart, quoted: Quote, email: str, today: date
) -> Order:
    """Reserve the goods, record the order, empty the cart."""
    stock.reserve(cart.quantities())
    order = book.record(email, today, cart.quantities(), quoted.total)
    cart.clear()
    return order
