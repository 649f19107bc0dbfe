from datetime import date, datetime, timezone
from decimal import Decimal

import pytest

from shop.app import App
from shop.cart import Cart
from shop.catalogue import Catalogue, Product
from shop.orders import OrderBook
from shop.pricing import Coupon
from shop.seed import open_shop
from shop.stock import Stock

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def today():
    return date(2026, 3, 10)


@pytest.fixture
def mug():
    return Product("mug", "Enamel mug", Decimal("12.50"), 300, ("kitchen",))


@pytest.fixture
def lamp():
    return Product("lamp", "Desk lamp", Decimal("79.00"), 2100, ("office",))


@pytest.fixture
def catalogue(mug, lamp):
    return Catalogue.of([mug, lamp])


@pytest.fixture
def stock():
    stock = Stock()
    stock.receive("mug", 20)
    stock.receive("lamp", 3)
    return stock


@pytest.fixture
def cart():
    cart = Cart()
    cart.add("mug", 2)
    return cart


@pytest.fixture
def coupons():
    return {
        "SPRING": Coupon("SPRING", Decimal(10), date(2026, 4, 30)),
        "BIG": Coupon("BIG", Decimal(20), date(2026, 4, 30), Decimal("100.00")),
        "OLD": Coupon("OLD", Decimal(50), date(2025, 12, 31)),
    }


@pytest.fixture
def book(today):
    book = OrderBook()
    book.record("ada@example.org", date(2026, 2, 3), {"mug": 4, "lamp": 1}, Decimal("129.00"))
    book.record("bob@example.org", date(2026, 2, 20), {"mug": 2}, Decimal("29.50"))
    book.record("ada@example.org", today, {"apron": 3}, Decimal("102.00"))
    return book


@pytest.fixture
def app():
    errors = []
    app = App(open_shop(lambda: NOON), report=errors.append)
    yield app
    assert errors == []


@pytest.fixture
def call(app):
    def call(method, path, body=None, headers=None, **query):
        request = {"method": method, "path": path, "query": query, "headers": headers or {}, "body": body or {}}
        return app.handle(request)

    return call


@pytest.fixture
def ada(call):
    """The headers of a signed-in customer."""
    answer = call("POST", "/login", {"email": "ada@example.org", "password": "countess"})
    return {"authorization": f"Bearer {answer['body']['token']}"}
