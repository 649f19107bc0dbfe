import pytest

from tally import Ledger, Money, MoneyError
from tally.export import from_csv, plain, to_csv


def test_to_csv(booked):
    assert to_csv(booked).splitlines()[:3] == [
        "entry,date,text,account,amount",
        "1,2024-01-10,Sale,1200,100.00",
        "1,2024-01-10,Sale,4000,-100.00",
    ]


def test_round_trip(booked):
    copy = Ledger("EUR", dict(booked.accounts))
    assert from_csv(to_csv(booked), copy) == 3
    assert copy.entries == booked.entries


@pytest.mark.parametrize(
    "money, text", [(Money(5, "EUR"), "0.05"), (Money(-1250, "EUR"), "-12.50"), (Money(7, "JPY"), "7")]
)
def test_plain(money, text):
    assert plain(money) == text


def test_missing_amount(ledger):
    with pytest.raises(MoneyError, match="line 2"):
        from_csv("entry,date,text,account,amount\n1,2024-01-01,x,1000,\n", ledger)
