"""Ledger entries as CSV and back."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Dict, Iterator, List, Tuple

from .errors import MoneyError
from .ledger import Entry, Ledger, Posting
from .money import Money, digits_of

HEADER = ("entry", "date", "text", "account", "amount")


def plain(amount: Money) -> str:
    """Write an amount without currency and without separators."""
    return f"{Decimal(amount.minor).scaleb(-digits_of(amount.currency)):f}"


def rows(entries: List[Entry]) -> Iterator[Tuple[str, ...]]:
    """Yield one row per posting."""
    for at, entry in enumerate(entries, start=1):
        for posting in entry.postings:
            yield str(at), entry.day.isoformat(), entry.text, posting.account, plain(posting.amount)


def to_csv(ledger: Ledger) -> str:
    """Write all entries."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows(ledger.entries))
    return buffer.getvalue()


def from_csv(text: str, ledger: Ledger) -> int:
    """Post all entries of a file into a ledger and return how many there were."""
    groups: Dict[str, List[Dict[str, str]]] = {}
    for number, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        if not row["amount"]:
            raise MoneyError(f"line {number} has no amount")
        groups.setdefault(row["entry"], []).append(row)
    for members in groups.values():
        first = members[0]
        postings = [
            Posting(row["account"].strip(), Money.parse(f"{row['amount'].strip()} {ledger.currency}"))
            for row in members
        ]
        ledger.post(date.fromisoformat(first["date"].strip()), first["text"], *postings)
    return len(groups)
