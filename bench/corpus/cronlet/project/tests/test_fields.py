import pytest

from cronlet.errors import RuleError
from cronlet.fields import DAY, HOUR, MINUTE, MONTH, WEEKDAY, parse_field


@pytest.mark.parametrize(
    "text, spec, expected",
    [
        ("5", MINUTE, {5}),
        ("1,3,5", HOUR, {1, 3, 5}),
        ("9-12", HOUR, {9, 10, 11, 12}),
        ("*/15", MINUTE, {0, 15, 30, 45}),
        ("10-30/10", MINUTE, {10, 20, 30}),
        ("40/5", MINUTE, {40, 45, 50, 55}),
        ("jan,MAR", MONTH, {1, 3}),
        ("mon-fri", WEEKDAY, {1, 2, 3, 4, 5}),
        ("7", WEEKDAY, {0}),
        ("fri-7", WEEKDAY, {5, 6, 0}),
        ("*", WEEKDAY, {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_values(text, spec, expected):
    assert parse_field(text, spec) == expected


def test_star_covers_whole_range():
    assert parse_field("*", DAY) == set(range(1, 32))


@pytest.mark.parametrize("text", ["60", "-1", "x", "5-1", "*/0", "*/x", ""])
def test_refused(text):
    with pytest.raises(RuleError):
        parse_field(text, MINUTE)
