from datetime import date
from decimal import Decimal

import pytest

from shop.cart import Line
from shop.money import money, percent_of
from shop.pricing import coupon_discount, line_total, price


@pytest.mark.parametrize("value, rounded", [("1.005", "1.01"), ("1.004", "1.00"), (3, "3.00")])
def test_money_rounds_half_up(value, rounded):
    assert str(money(value)) == rounded


def test_percent_of():
    assert percent_of(Decimal("19.99"), Decimal(10)) == Decimal("2.00")


@pytest.mark.parametrize(
    "quantity, expected",
    [(1, "12.50"), (9, "112.50"), (10, "118.75"), (24, "285.00"), (25, "281.25")],
)
def test_volume_discount(mug, quantity, expected):
    assert line_total(Line(mug, quantity)) == Decimal(expected)


@pytest.mark.parametrize(
    "code, subtotal, expected",
    [
        ("SPRING", "80.00", "8.00"),
        ("spring ", "80.00", "8.00"),
        ("BIG", "100.00", "20.00"),
        ("BIG", "99.99", "0.00"),
        ("OLD", "80.00", "0.00"),
    ],
)
def test_coupons(coupons, today, code, subtotal, expected):
    assert coupon_discount(Decimal(subtotal), code, coupons, today) == Decimal(expected)


def test_a_coupon_works_on_its_last_day(coupons):
    assert coupon_discount(Decimal("10.00"), "SPRING", coupons, date(2026, 4, 30)) == Decimal("1.00")


def test_price_without_coupon(mug, lamp, coupons, today):
    priced = price([Line(mug, 2), Line(lamp, 1)], coupons, today)
    assert (priced.subtotal, priced.discount, priced.due) == (Decimal("104.00"), 0, Decimal("104.00"))


def test_price_with_coupon(lamp, coupons, today):
    priced = price([Line(lamp, 2)], coupons, today, "BIG")
    assert priced.due == Decimal("126.40")
