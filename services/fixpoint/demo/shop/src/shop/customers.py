"""Accounts and addresses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, Optional

from shop.errors import NotFound, ShopError


@dataclass(frozen=True)
class Address:
    street: str
    city: str
    postcode: str
    country: str


@dataclass(frozen=True)
class Customer:
    email: str
    name: str
    password_hash: str = field(repr=False)
    address: Optional[Address] = None


@dataclass
class Customers:
    _by_email: Dict[str, Customer] = field(default_factory=dict)

    def register(self, customer: Customer) -> Customer:
        key = normalise(customer.email)
        if key in self._by_email:
            raise ShopError("this address is already registered")
        self._by_email[key] = replace(customer, email=key)
        return self._by_email[key]

    def find(self, email: str) -> Optional[Customer]:
        return self._by_email.get(normalise(email))

    def move(self, email: str, address: Address) -> Customer:
        """Remember a new address."""
        customer = self.find(email)
        if customer is None:
            raise NotFound(f"no customer {email}")
        moved = replace(customer, address=address)
        self._by_email[moved.email] = moved
        return moved


def normalise(email: str) -> str:
    email = email.strip().lower()
    if "@" not in email:
        raise ShopError("this is not an e-mail address")
    return email


def label(customer: Customer) -> str:
    """The address as it is printed on a parcel."""
    address = customer.address
    return f"{customer.name}\n{address.street}\n{address.postcode} {address.city}\n{address.country}"
