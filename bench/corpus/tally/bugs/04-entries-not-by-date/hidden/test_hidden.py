from datetime import date

from tally import Money


def test_late_posting_counts(ledger):
    for day in (20, 5, 12, 28, 1):
        ledger.transfer(date(2024, 5, day), str(day), Money(day * 100, "EUR"), "1000", "4000")
    assert [entry.text for entry, _ in ledger.movements("1000")] == ["1", "5", "12", "20", "28"]
    assert ledger.balance("1000", date(2024, 5, 12)) == Money(1800, "EUR")
    assert ledger.balance("4000", date(2024, 5, 28)) == Money(6600, "EUR")
    opening, moves, closing = ledger.statement("1000", date(2024, 5, 2), date(2024, 5, 20))
    assert (opening, closing) == (Money(100, "EUR"), Money(3800, "EUR"))
    assert [entry.text for entry, _ in moves] == ["5", "12", "20"]


def test_same_day_keeps_order(ledger):
    for text in "bca":
        ledger.transfer(date(2024, 5, 1), text, Money(100, "EUR"), "1000", "4000")
    assert [entry.text for entry, _ in ledger.movements("1000")] == ["b", "c", "a"]


def test_entries_stay_as_posted(ledger):
    ledger.transfer(date(2024, 5, 2), "x", Money(1, "EUR"), "1000", "4000")
    ledger.transfer(date(2024, 5, 1), "y", Money(1, "EUR"), "1000", "4000")
    list(ledger.movements("1000"))
    assert [entry.text for entry in ledger.entries] == ["x", "y"]
