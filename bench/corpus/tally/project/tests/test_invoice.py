from datetime import date
from decimal import Decimal

import pytest

from tally import InvoiceStateError, Line, Status

from .conftest import eur


def test_line_with_discount():
    line = Line("x", Decimal("2.5"), eur("9.99"), discount=Decimal(10))
    assert line.net == eur("22.48")


def test_totals(make_invoice, table):
    invoice = make_invoice("100.00", "50.00")
    assert invoice.net == eur("150.00")
    assert invoice.total(table) == eur("178.50")


def test_tax_is_rounded_once_per_rate(make_invoice, table):
    invoice = make_invoice("0.33", "0.33", "0.33")
    assert invoice.total(table) == eur("1.18")


def test_taxes_by_rate(make_invoice, table):
    invoice = make_invoice("100.00")
    invoice.add("book", eur("10.00"), 2, category="books")
    assert {rate.percent: tax for rate, tax in invoice.taxes(table).items()} == {19: eur("19.00"), 7: eur("1.40")}


def test_numbers_restart_each_year(make_invoice, series):
    days = [date(2023, 12, 30), date(2023, 12, 31), date(2024, 1, 1)]
    numbers = [make_invoice("1", day=day).issue(series) for day in days]
    assert numbers == ["INV-2023-0001", "INV-2023-0002", "INV-2024-0001"]


def test_series_resumes(series):
    series.resume("INV-2024-0041")
    series.resume("INV-2024-0007")
    assert series.issue(date(2024, 5, 1)) == "INV-2024-0042"


@pytest.mark.parametrize("text", ["X-2024-0001", "INV-0001", "INV-2024-", "INV-abc-1"])
def test_series_refuses_foreign_numbers(series, text):
    assert series.parse(text) is None
    with pytest.raises(ValueError):
        series.resume(text)


def test_empty_is_not_issued(make_invoice, series):
    with pytest.raises(InvoiceStateError, match="without lines"):
        make_invoice().issue(series)
    assert series.issue(date(2024, 1, 1)) == "INV-2024-0001"


def test_issued_is_not_changed(open_invoice):
    with pytest.raises(InvoiceStateError, match="INV-2024-0001 is open, not draft"):
        open_invoice("1").add("more", eur("1"))


def test_payment_in_parts(open_invoice, table):
    invoice = open_invoice("100.00")
    assert invoice.pay(date(2024, 3, 2), eur("19.00"), table) == eur("0")
    assert invoice.status is Status.OPEN
    assert invoice.balance(table) == eur("100.00")
    assert invoice.pay(date(2024, 3, 3), eur("100.00"), table) == eur("0")
    assert invoice.status is Status.PAID


def test_overpayment(open_invoice, table):
    invoice = open_invoice("100.00")
    assert invoice.pay(date(2024, 3, 2), eur("120.00"), table) == eur("1.00")
    assert invoice.status is Status.PAID


def test_cancel(open_invoice, table):
    invoice = open_invoice("100.00")
    invoice.cancel()
    assert invoice.balance(table) == eur("0")
    paid = open_invoice("100.00")
    paid.pay(date(2024, 3, 2), eur("1.00"), table)
    with pytest.raises(InvoiceStateError, match="credit note"):
        paid.cancel()


def test_credit_note(open_invoice, table, series):
    invoice = open_invoice("100.00")
    note = invoice.credit_note(date(2024, 4, 1))
    assert note.status is Status.DRAFT
    assert note.references == invoice.number
    assert note.total(table) == eur("-119.00")
    assert invoice.total(table) == eur("119.00")


@pytest.mark.parametrize(
    "today, days", [(date(2024, 3, 14), 0), (date(2024, 3, 15), 0), (date(2024, 3, 16), 1), (date(2024, 4, 14), 30)]
)
def test_days_overdue(open_invoice, today, days):
    assert open_invoice("1").days_overdue(today) == days
