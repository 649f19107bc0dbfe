"""The assortment with which a new installation opens."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Callable

from shop.auth import hash_password
from shop.catalogue import Catalogue, Product
from shop.customers import Address, Customer
from shop.money import money
from shop.pricing import Coupon
from shop.reviews import Review
from shop.state import Shop

PRODUCTS = (
    Product("mug", "Enamel mug", money("12.50"), 300, ("kitchen",)),
    Product("teapot", "Stoneware teapot", money("39.00"), 1400, ("kitchen",)),
    Product("apron", "Linen apron", money("34.00"), 450, ("kitchen", "textile")),
    Product("scarf", "Wool scarf", money("45.00"), 250, ("textile",)),
    Product("lamp", "Desk lamp", money("79.00"), 2100, ("office",)),
    Product("notebook", "Dotted notebook", money("9.90"), 350, ("office",)),
)


def open_shop(now: Callable[[], datetime]) -> Shop:
    shop = Shop(now=now, catalogue=Catalogue.of(PRODUCTS))
    for product in PRODUCTS:
        shop.stock.receive(product.sku, 40)
    for code, percent, minimum in (("WELCOME10", 10, "0.00"), ("KITCHEN20", 20, "60.00")):
        shop.coupons[code] = Coupon(code, Decimal(percent), date(2030, 12, 31), money(minimum))
    home = Address("Lange Str. 5", "Hamburg", "20095", "DE")
    shop.customers.register(Customer("ada@example.org", "Ada", hash_password("countess"), home))
    shop.customers.register(Customer("linus@example.org", "Linus", hash_password("penguin")))
    shop.reviews.add(Review("mug", "ada@example.org", 5, "Survives everything."))
    shop.reviews.add(Review("mug", "linus@example.org", 4))
    shop.reviews.add(Review("scarf", "ada@example.org", 4, "Warm."))
    shop.orders.record("ada@example.org", date(2026, 2, 3), {"mug": 4, "scarf": 1}, money("95.00"))
    shop.orders.record("linus@example.org", date(2026, 2, 9), {"mug": 2, "notebook": 3}, money("59.20"))
    return shop
