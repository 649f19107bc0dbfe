from datetime import date, timedelta

import pytest

from tally import Customer
from tally.dunning import ageing, bucket_of, letters, level_for

from .conftest import eur

DUE = date(2024, 3, 15)


@pytest.mark.parametrize(
    "days, name",
    [(0, "current"), (1, "1-30"), (30, "1-30"), (31, "31-60"), (90, "61-90"), (91, "over 90")],
)
def test_bucket(days, name):
    assert bucket_of(days) == name


@pytest.mark.parametrize(
    "days, title",
    [(0, None), (1, "Payment reminder"), (13, "Payment reminder"), (14, "First dunning letter"), (99, "Final notice")],
)
def test_level(days, title):
    level = level_for(days)
    assert (level and level.title) == title


def test_ageing(open_invoice, table):
    invoices = [open_invoice("100.00"), open_invoice("10.00"), open_invoice("1.00", day=date(2024, 4, 20))]
    assert ageing(invoices, table, DUE + timedelta(days=40)) == {
        "31-60": eur("130.90"),
        "current": eur("1.19"),
    }


def test_ageing_leaves_out_paid(open_invoice, make_invoice, table):
    paid = open_invoice("100.00")
    paid.pay(DUE, eur("119.00"), table)
    assert ageing([paid, make_invoice("5.00")], table, DUE) == {}


def test_letters(open_invoice, table):
    other = Customer("Zoe", "DE", payment_days=14)
    invoices = [
        open_invoice("100.00"),
        open_invoice("10.00", day=date(2024, 3, 10)),
        open_invoice("1.00", to=other, day=date(2024, 3, 14)),
        open_invoice("1.00", day=date(2024, 4, 14)),
    ]
    assert letters(invoices, table, DUE + timedelta(days=14)) == [
        "Dear Anna Weber: First dunning letter, 135.90 EUR",
        "Dear Zoe: Payment reminder, 1.19 EUR",
    ]
