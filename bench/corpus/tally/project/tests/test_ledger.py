from datetime import date

import pytest

from tally import Posting, UnbalancedEntry, UnknownAccount

from .conftest import eur


def test_balances(booked):
    assert booked.balance("1000") == eur("60.00")
    assert booked.balance("1200") == eur("0")
    assert booked.balance("4000") == eur("100.00")
    assert booked.balance("6000") == eur("40.00")


def test_balance_until_includes_the_day(booked):
    assert booked.balance("1000", date(2024, 1, 30)) == eur("0")
    assert booked.balance("1000", date(2024, 1, 31)) == eur("100.00")


def test_unbalanced_refused(ledger):
    with pytest.raises(UnbalancedEntry, match="off by 1.00 EUR"):
        ledger.post(date(2024, 1, 1), "x", Posting("1000", eur("3")), Posting("4000", eur("-2")))
    assert ledger.entries == []


def test_unknown_account_refused(ledger):
    with pytest.raises(UnknownAccount):
        ledger.transfer(date(2024, 1, 1), "x", eur("3"), "1000", "9999")
    with pytest.raises(UnknownAccount):
        ledger.balance("9999")


def test_unknown_kind_refused(ledger):
    with pytest.raises(KeyError):
        ledger.open("1", "x", "nonsense")
    assert "1" not in ledger.accounts


def test_reverse(booked):
    index = booked.reverse(1, date(2024, 2, 2))
    assert booked.balance("6000") == eur("0")
    assert booked.entries[index].reverses == 1
    assert booked.entries[index].text == "Reversal: Rent"


def test_movements_are_by_date(booked):
    assert [entry.text for entry, _ in booked.movements("1000")] == ["Paid", "Rent"]


def test_statement(booked):
    opening, moves, closing = booked.statement("1000", date(2024, 2, 1), date(2024, 2, 29))
    assert opening == eur("100.00")
    assert [amount for _, amount in moves] == [eur("-40.00")]
    assert closing == eur("60.00")


def test_trial_balance(booked):
    assert booked.trial_balance() == {"1000": eur("60.00"), "4000": eur("-100.00"), "6000": eur("40.00")}
