"""Imports what the till exported over night."""

from tally import Ledger
from tally.export import from_csv

TILL = """entry,date,text,account,amount
1, 2024-06-03,Cash sales, 1000, 210.50
1, 2024-06-03,Cash sales, 4000, -210.50
2, 2024-06-04,Cash sales, 1000, 99.00
2, 2024-06-04,Cash sales, 4000, -99.00
"""


def chart() -> Ledger:
    ledger = Ledger("EUR")
    ledger.open("1000", "Cash", "asset")
    ledger.open("4000", "Sales", "income")
    return ledger


class NightlyImport:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def run(self, text: str) -> None:
        count = from_csv(text, self.ledger)
        print(f"{count} entries, cash is {self.ledger.balance('1000')}")


if __name__ == "__main__":
    NightlyImport(chart()).run(TILL)
