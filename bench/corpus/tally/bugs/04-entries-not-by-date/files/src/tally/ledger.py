"""Double-entry bookkeeping."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Dict, Iterator, List, Optional, Tuple

from .errors import UnbalancedEntry, UnknownAccount
from .money import Money

# The side on which an account of a kind grows: 1 for debit, -1 for credit.
_SIDES = {"asset": 1, "expense": 1, "liability": -1, "income": -1, "equity": -1}


@dataclass(frozen=True)
class Account:
    """An account of the chart."""

    code: str
    name: str
    kind: str

    @property
    def side(self) -> int:
        """1 when the account grows with debits, -1 otherwise."""
        return _SIDES[self.kind]


@dataclass(frozen=True)
class Posting:
    """An amount on an account; debits are positive, credits negative."""

    account: str
    amount: Money


@dataclass(frozen=True)
class Entry:
    """Postings that belong together and sum to zero."""

    day: date
    text: str
    postings: Tuple[Posting, ...]
    reverses: Optional[int] = None


@dataclass
class Ledger:
    """Accounts and entries in one currency."""

    currency: str
    accounts: Dict[str, Account] = field(default_factory=dict)
    entries: List[Entry] = field(default_factory=list)

    def open(self, code: str, name: str, kind: str) -> Account:
        """Open an account."""
        account = Account(code, name, kind)
        account.side  # an unknown kind is refused here
        self.accounts[code] = account
        return account

    def account(self, code: str) -> Account:
        """Return the account with that code."""
        try:
            return self.accounts[code]
        except KeyError:
            raise UnknownAccount(code) from None

    def post(self, day: date, text: str, *postings: Posting, reverses: Optional[int] = None) -> int:
        """Record an entry and return its index."""
        for posting in postings:
            self.account(posting.account)
        total = Money.sum((posting.amount for posting in postings), self.currency)
        if total:
            raise UnbalancedEntry(f"{text}: off by {total}")
        self.entries.append(Entry(day, text, tuple(postings), reverses))
        return len(self.entries) - 1

    def transfer(self, day: date, text: str, amount: Money, debit: str, credit: str) -> int:
        """Record the common entry with two postings."""
        return self.post(day, text, Posting(debit, amount), Posting(credit, -amount))

    def reverse(self, index: int, day: date) -> int:
        """Undo an entry by a new one with the signs turned."""
        entry = self.entries[index]
        turned = [Posting(p.account, -p.amount) for p in entry.postings]
        return self.post(day, f"Reversal: {entry.text}", *turned, reverses=index)

    def movements(
        self, code: str, since: Optional[date] = None, until: Optional[date] = None
    ) -> Iterator[Tuple[Entry, Money]]:
        """Yield the postings on an account by date, both ends included."""
        self.account(code)
        for entry in self.entries:
            if since is not None and entry.day < since:
                continue
            if until is not None and entry.day > until:
                break
            for posting in entry.postings:
                if posting.account == code:
                    yield entry, posting.amount

    def balance(self, code: str, until: Optional[date] = None) -> Money:
        """Return the balance, positive on the side on which the account grows."""
        account = self.account(code)
        total = Money.sum((amount for _, amount in self.movements(code, until=until)), self.currency)
        return total if account.side > 0 else -total

    def statement(self, code: str, since: date, until: date) -> Tuple[Money, List[Tuple[Entry, Money]], Money]:
        """Return opening balance, movements and closing balance of a period, in debits."""
        before = [amount for entry, amount in self.movements(code) if entry.day < since]
        opening = Money.sum(before, self.currency)
        moves = list(self.movements(code, since, until))
        closing = opening + Money.sum((amount for _, amount in moves), self.currency)
        return opening, moves, closing

    def trial_balance(self) -> Dict[str, Money]:
        """Return the balance of every account that has one, in debits; they sum to zero."""
        totals: Dict[str, Money] = {}
        for entry in self.entries:
            for posting in entry.postings:
                zero = Money.zero(self.currency)
                totals[posting.account] = totals.get(posting.account, zero) + posting.amount
        return {code: totals[code] for code in sorted(totals) if totals[code]}
