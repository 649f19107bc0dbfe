from datetime import date
from decimal import Decimal

import pytest

from tally import Customer, Invoice, Ledger, Money, Series, TaxTable


def eur(text):
    return Money.parse(f"{text} EUR")


@pytest.fixture
def table():
    table = TaxTable(home="DE")
    table.add("DE", "19")
    table.add("DE", "16", since=date(2020, 7, 1))
    table.add("DE", "19", since=date(2021, 1, 1))
    table.add("DE", "7", category="books")
    table.add("FR", "20")
    return table


@pytest.fixture
def customer():
    return Customer("Anna Weber, Weber KG", "de", payment_days=14)


@pytest.fixture
def series():
    return Series()


@pytest.fixture
def make_invoice(customer):
    def make(*prices, day=date(2024, 3, 1), to=customer, currency="EUR", **options):
        invoice = Invoice(to, currency, day)
        for price in prices:
            invoice.add("item", Money.parse(f"{price} {currency}"), **options)
        return invoice

    return make


@pytest.fixture
def open_invoice(make_invoice, series):
    def make(*prices, **options):
        invoice = make_invoice(*prices, **options)
        invoice.issue(series)
        return invoice

    return make


@pytest.fixture
def ledger():
    ledger = Ledger("EUR")
    ledger.open("1000", "Cash", "asset")
    ledger.open("1200", "Receivables", "asset")
    ledger.open("4000", "Sales", "income")
    ledger.open("6000", "Rent", "expense")
    return ledger


@pytest.fixture
def booked(ledger):
    ledger.transfer(date(2024, 1, 10), "Sale", eur("100.00"), "1200", "4000")
    ledger.transfer(date(2024, 2, 1), "Rent", eur("40.00"), "6000", "1000")
    ledger.transfer(date(2024, 1, 31), "Paid", eur("100.00"), "1000", "1200")
    return ledger


@pytest.fixture
def half():
    return Decimal("0.5")
