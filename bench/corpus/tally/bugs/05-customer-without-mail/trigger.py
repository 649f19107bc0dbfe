"""Sends the invoices of a day, grouped by the mail server of the receiver."""

from datetime import date

from tally import Customer, Invoice, Money, Series
from tally.dunning import by_domain

CUSTOMERS = [
    Customer("Moreau, Claire", "FR", vat_id="FR 12 345678901", email="c.moreau@moreau.example"),
    Customer("Weber KG", "DE", payment_days=14),
]


def write(customer: Customer, series: Series) -> Invoice:
    invoice = Invoice(customer, "EUR", date(2024, 6, 3))
    invoice.add("Support in May", Money.parse("120.00 EUR"), 3)
    invoice.issue(series)
    return invoice


def send_all() -> None:
    series = Series(prefix="R")
    invoices = [write(customer, series) for customer in CUSTOMERS]
    for domain, numbers in by_domain(invoices).items():
        print(domain, numbers)


if __name__ == "__main__":
    send_all()
