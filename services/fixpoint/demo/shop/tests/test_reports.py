from dataclasses import replace
from decimal import Decimal

import pytest

from shop.reports import best_sellers, revenue_by_month, units_sold


def test_units_sold(book):
    assert units_sold(book.all()) == {"mug": 6, "lamp": 1, "apron": 3}


def test_cancelled_orders_do_not_count(book):
    orders = [replace(order, status="cancelled") for order in book.all()]
    assert units_sold(orders) == {}
    assert revenue_by_month(orders) == {}


@pytest.mark.parametrize(
    "limit, rows",
    [(1, [(1, "mug", 6)]), (2, [(1, "mug", 6), (2, "apron", 3)]), (3, [(1, "mug", 6), (2, "apron", 3), (3, "lamp", 1)])],
)
def test_best_sellers(book, limit, rows):
    assert best_sellers(units_sold(book.all()), limit) == rows


def test_equal_sales_are_ordered_by_name():
    assert best_sellers({"mug": 2, "apron": 2}, 2) == [(1, "apron", 2), (2, "mug", 2)]


def test_revenue_by_month(book):
    assert revenue_by_month(book.all()) == {"2026-02": Decimal("158.50"), "2026-03": Decimal("102.00")}
