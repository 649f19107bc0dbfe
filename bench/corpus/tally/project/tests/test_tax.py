from datetime import date
from decimal import Decimal

import pytest

from tally import Customer, TallyError
from tally.tax import EXPORT, REVERSE_CHARGE, ZERO, TaxRate

from .conftest import eur

DAY = date(2024, 3, 1)


@pytest.mark.parametrize(
    "day, percent",
    [
        (date(2020, 6, 30), 19),
        (date(2020, 7, 1), 16),
        (date(2020, 12, 31), 16),
        (date(2021, 1, 1), 19),
    ],
)
def test_rate_changes(table, day, percent):
    assert table.lookup("de", "standard", day).percent == percent


def test_category(table):
    assert table.lookup("DE", "books", DAY).percent == 7


def test_unknown_category_has_standard_rate(table):
    assert table.lookup("FR", "books", DAY).percent == 20


def test_unknown_country(table):
    with pytest.raises(TallyError):
        table.lookup("IT", "standard", DAY)


@pytest.mark.parametrize(
    "country, vat_id, expected",
    [
        ("US", None, EXPORT),
        ("FR", "FR 12 345-678.901", REVERSE_CHARGE),
        ("GR", "EL123456789", REVERSE_CHARGE),
        ("fr", None, TaxRate(Decimal(20))),
        ("FR", " - ", TaxRate(Decimal(20))),
    ],
)
def test_rate_for(table, country, vat_id, expected):
    assert table.rate_for(Customer("X", country, vat_id), "standard", DAY) == expected


def test_exempt(table, customer):
    assert table.rate_for(customer, "exempt", DAY) == ZERO


def test_home_business_pays(table):
    assert table.rate_for(Customer("X", "DE", "DE123"), "standard", DAY).percent == 19


def test_gross_contains_tax():
    rate = TaxRate(Decimal(19))
    assert rate.in_gross(eur("119.00")) == eur("19.00")
    assert rate.on_net(eur("100.00")) == eur("19.00")
