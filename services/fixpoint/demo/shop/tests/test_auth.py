from datetime import datetime, timedelta, timezone

import pytest

from shop.auth import Sessions, bearer_token, hash_password, signed_in, verify_password
from shop.errors import Unauthorised

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=timezone.utc)


def test_passwords():
    stored = hash_password("countess")
    assert verify_password("countess", stored)
    assert not verify_password("Countess", stored)
    assert stored != hash_password("countess")


def test_a_session_is_found_until_it_expires():
    sessions = Sessions()
    token = sessions.open("ada@example.org", NOW)
    assert sessions.find(token, NOW + timedelta(hours=11)).email == "ada@example.org"
    assert sessions.find(token, NOW + timedelta(hours=12)) is None


def test_a_closed_session_is_gone():
    sessions = Sessions()
    token = sessions.open("ada@example.org", NOW)
    sessions.close(token)
    sessions.close(token)
    assert sessions.find(token, NOW) is None


@pytest.mark.parametrize(
    "headers, token",
    [({"authorization": "Bearer abc"}, "abc"), ({"authorization": "bearer abc"}, "abc"), ({"authorization": "Basic abc"}, ""), ({}, "")],
)
def test_bearer_token(headers, token):
    assert bearer_token(headers) == token


def test_nobody_is_signed_in_with_a_guess():
    with pytest.raises(Unauthorised):
        signed_in({"authorization": "Bearer guess"}, Sessions(), NOW)
