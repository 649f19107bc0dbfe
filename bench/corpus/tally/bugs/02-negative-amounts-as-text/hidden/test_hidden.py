import pytest

from tally import Money


@pytest.mark.parametrize(
    "minor, currency, text",
    [
        (-1, "EUR", "-0.01 EUR"),
        (-100, "EUR", "-1.00 EUR"),
        (-123456, "EUR", "-1,234.56 EUR"),
        (-7, "JPY", "-7 JPY"),
        (-1001, "KWD", "-1.001 KWD"),
        (1999, "EUR", "19.99 EUR"),
        (0, "EUR", "0.00 EUR"),
    ],
)
def test_str(minor, currency, text):
    assert str(Money(minor, currency)) == text
