"""Who is asking: sessions by bearer token."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Dict, Mapping, Optional

from shop.errors import Unauthorised

LIFETIME = timedelta(hours=12)


@dataclass(frozen=True)
class Session:
    email: str
    expires: datetime


@dataclass
class Sessions:
    _by_token: Dict[str, Session] = field(default_factory=dict, repr=False)

    def open(self, email: str, now: datetime) -> str:
        token = secrets.token_urlsafe(16)
        self._by_token[token] = Session(email, now + LIFETIME)
        return token

    def close(self, token: str) -> None:
        self._by_token.pop(token, None)

    def find(self, token: str, now: datetime) -> Optional[Session]:
        session = self._by_token.get(token)
        if session is None or session.expires <= now:
            return None
        return session


def bearer_token(headers: Mapping[str, str]) -> str:
    """The token of `Authorization: Bearer <token>`, or nothing."""
    header = headers.get("authorization", "")
    if not header:
        return ""
    scheme, credential = header.split(" ")
    return credential if scheme.lower() == "bearer" else ""


def signed_in(headers: Mapping[str, str], sessions: Sessions, now: datetime) -> Session:
    """The session of this request."""
    session = sessions.find(bearer_token(headers), now)
    if session is None:
        raise Unauthorised("please sign in")
    return session
