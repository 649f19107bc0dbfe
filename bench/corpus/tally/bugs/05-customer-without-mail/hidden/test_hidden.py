import pytest

from tally import Customer
from tally.dunning import by_domain


@pytest.mark.parametrize(
    "email, domain",
    [(None, None), ("", None), ("nobody", None), ("a@X.org", "x.org"), ("odd@name@shop.de", "shop.de")],
)
def test_domain(email, domain):
    assert Customer("A", "DE", email=email).domain() == domain


def test_by_post(open_invoice, make_invoice):
    invoices = [
        open_invoice("1", to=Customer("A", "DE")),
        open_invoice("1", to=Customer("B", "DE", email="b@b.de")),
        make_invoice("1"),
    ]
    assert by_domain(invoices) == {"post": ["INV-2024-0001"], "b.de": ["INV-2024-0002"]}
