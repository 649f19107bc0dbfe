"""What a cart costs before shipping: line totals, volume discount, coupons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Mapping, Optional, Sequence

from shop.cart import Line
from shop.money import ZERO, money, percent_of, total

# From how many pieces of one product which percentage is taken off.
VOLUME_DISCOUNTS = ((25, Decimal(10)), (10, Decimal(5)))


@dataclass(frozen=True)
class Coupon:
    code: str
    percent: Decimal
    expires: date
    minimum: Decimal = ZERO


@dataclass(frozen=True)
class Price:
    subtotal: Decimal
    discount: Decimal

    @property
    def due(self) -> Decimal:
        return money(self.subtotal - self.discount)


def line_total(line: Line) -> Decimal:
    """Price times quantity, less the volume discount."""
    full = line.product.price * line.quantity
    for pieces, percent in VOLUME_DISCOUNTS:
        if line.quantity >= pieces:
            return money(full - percent_of(full, percent))
    return money(full)


def coupon_discount(
    subtotal: Decimal, code: str, coupons: Mapping[str, Coupon], today: date
) -> Decimal:
    """What the coupon `code` takes off; nothing when it has run out or the order is too small."""
    coupon = coupons.get(code.strip().upper())
    if coupon.expires < today or subtotal < coupon.minimum:
        return ZERO
    return percent_of(subtotal, coupon.percent)


def price(
    lines: Sequence[Line],
    coupons: Mapping[str, Coupon],
    today: date,
    code: Optional[str] = None,
) -> Price:
    subtotal = total(line_total(line) for line in lines)
    discount = coupon_discount(subtotal, code, coupons, today) if code else ZERO
    return Price(subtotal, discount)
