from decimal import Decimal

import pytest

from tally import CurrencyMismatch, Money, MoneyError

from .conftest import eur


@pytest.mark.parametrize(
    "text, minor, currency",
    [
        ("12.50 EUR", 1250, "EUR"),
        ("12.5 eur", 1250, "EUR"),
        ("12EUR", 1200, "EUR"),
        ("1,234,567.89 USD", 123456789, "USD"),
        ("-0.05 EUR", -5, "EUR"),
        ("1500 JPY", 1500, "JPY"),
        ("1.5 KWD", 1500, "KWD"),
    ],
)
def test_parse(text, minor, currency):
    assert Money.parse(text) == Money(minor, currency)


@pytest.mark.parametrize("text", ["", "EUR", "1.234 EUR", "1.5 JPY", "12,34 EUR", "1 EURO"])
def test_parse_refuses(text):
    with pytest.raises(MoneyError):
        Money.parse(text)


@pytest.mark.parametrize(
    "money, text",
    [
        (Money(123456789, "EUR"), "1,234,567.89 EUR"),
        (Money(-5, "EUR"), "-0.05 EUR"),
        (Money(-250, "EUR"), "-2.50 EUR"),
        (Money(1500, "JPY"), "1,500 JPY"),
        (Money(1500, "KWD"), "1.500 KWD"),
    ],
)
def test_str(money, text):
    assert str(money) == text


def test_arithmetic():
    assert eur("1.10") + eur("2.20") == eur("3.30")
    assert eur("1.10") - eur("2.20") == eur("-1.10")
    assert eur("1.00") < eur("2.00")
    assert not eur("0")


def test_currencies_do_not_mix():
    with pytest.raises(CurrencyMismatch):
        eur("1") + Money.parse("1 USD")


def test_rounds_half_away_from_zero(half):
    assert eur("0.05").times(half) == eur("0.03")
    assert eur("-0.05").times(half) == eur("-0.03")


def test_percent():
    assert eur("99.99").percent(19) == eur("19.00")
    assert eur("10.00").percent(Decimal("7.5")) == eur("0.75")


@pytest.mark.parametrize(
    "amount, weights, parts",
    [
        ("10.00", [1, 1, 1], ["3.34", "3.33", "3.33"]),
        ("0.05", [1, 1], ["0.03", "0.02"]),
        ("10.00", [0, 1, 1], ["0", "5.00", "5.00"]),
        ("0.02", [0, 1, 1, 1], ["0", "0.01", "0.01", "0"]),
        ("-0.05", [1, 1], ["-0.03", "-0.02"]),
    ],
)
def test_allocate(amount, weights, parts):
    assert eur(amount).allocate(weights) == [eur(part) for part in parts]


@pytest.mark.parametrize("weights", [[0, 0], [1, -1], [2, -1]])
def test_allocate_refuses(weights):
    with pytest.raises(MoneyError):
        eur("1").allocate(weights)
