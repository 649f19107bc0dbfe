from datetime import datetime

import pytest

from cronlet import Rule


@pytest.mark.parametrize(
    "rule, start, expected",
    [
        ("15 6 * * sat", datetime(2024, 5, 8, 20, 40), datetime(2024, 5, 11, 6, 15)),
        ("0 0 1 6 *", datetime(2024, 5, 8, 20, 40), datetime(2024, 6, 1, 0, 0)),
        ("30 23 9 * *", datetime(2024, 5, 8, 23, 45), datetime(2024, 5, 9, 23, 30)),
        ("5 10 * * thu", datetime(2024, 5, 8, 10, 30), datetime(2024, 5, 9, 10, 5)),
    ],
)
def test_next(rule, start, expected):
    assert Rule.parse(rule).next_after(start) == expected
