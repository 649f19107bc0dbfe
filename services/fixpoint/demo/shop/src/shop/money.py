"""Money is a Decimal with two places, rounded half up as on a receipt."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Iterable, Union

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def money(value: Union[str, int, Decimal]) -> Decimal:
    """The amount `value`, rounded to cents."""
    return Decimal(value).quantize(CENT, rounding=ROUND_HALF_UP)


def total(amounts: Iterable[Decimal]) -> Decimal:
    return money(sum(amounts, ZERO))


def percent_of(amount: Decimal, percent: Decimal) -> Decimal:
    """`percent` per cent of `amount`, rounded to cents."""
    return money(amount * percent / 100)
