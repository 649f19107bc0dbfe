"""What the tests have in common."""

import itertools
from datetime import datetime, timedelta

from mailroom import Address, Message

NOW = datetime(2024, 3, 4, 9, 0)
_numbers = itertools.count(1)


def message(sender="Ann <ann@example.org>", subject="Hello", to="me@example.org", hours=0, **options):
    number = next(_numbers)
    return Message(
        id=options.pop("id", f"<m{number}>"),
        sender=Address.parse(sender),
        to=[Address.parse(to)],
        subject=subject,
        received=NOW - timedelta(hours=hours),
        **options,
    )
