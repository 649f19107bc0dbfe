"""Passwords, sessions, who is asking."""

from shop.auth.passwords import hash_password, verify_password
from shop.auth.sessions import Session, Sessions, bearer_token, signed_in

__all__ = ["Session", "Sessions", "bearer_token", "hash_password", "signed_in", "verify_password"]
