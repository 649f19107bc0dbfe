"""Everything that a running shop remembers, and a clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Callable, Dict

from shop.auth import Sessions
from shop.cart import Cart
from shop.catalogue import Catalogue
from shop.customers import Customer, Customers
from shop.errors import NotFound
from shop.orders import OrderBook
from shop.pricing import Coupon
from shop.reviews import Reviews
from shop.stock import Stock


@dataclass
class Shop:
    now: Callable[[], datetime]
    catalogue: Catalogue = field(default_factory=Catalogue)
    stock: Stock = field(default_factory=Stock)
    customers: Customers = field(default_factory=Customers)
    sessions: Sessions = field(default_factory=Sessions)
    orders: OrderBook = field(default_factory=OrderBook)
    reviews: Reviews = field(default_factory=Reviews)
    coupons: Dict[str, Coupon] = field(default_factory=dict)
    carts: Dict[str, Cart] = field(default_factory=dict)

    def today(self) -> date:
        return self.now().date()

    def cart_of(self, email: str) -> Cart:
        return self.carts.setdefault(email, Cart())

    def customer(self, email: str) -> Customer:
        customer = self.customers.find(email)
        if customer is None:
            raise NotFound(f"no customer {email}")
        return customer
