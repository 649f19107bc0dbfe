from datetime import datetime

import pytest

from cronlet import Rule, RuleError


def at(text):
    return datetime.strptime(text, "%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    "rule, start, expected",
    [
        ("*/5 * * * *", "2024-03-04 09:00", "2024-03-04 09:05"),
        ("0 9 * * *", "2024-03-04 09:00", "2024-03-05 09:00"),
        ("30 8 * * mon", "2024-03-04 09:00", "2024-03-11 08:30"),
        ("0 0 1 * *", "2024-12-15 00:00", "2025-01-01 00:00"),
        ("0 0 29 2 *", "2024-03-01 00:00", "2028-02-29 00:00"),
        ("59 23 31 12 *", "2024-12-31 23:58", "2024-12-31 23:59"),
        ("0 12 * * sun", "2024-03-04 09:00", "2024-03-10 12:00"),
        ("@hourly", "2024-03-04 09:30", "2024-03-04 10:00"),
        ("@Weekly", "2024-03-04 09:30", "2024-03-10 00:00"),
    ],
)
def test_next_after(rule, start, expected):
    assert Rule.parse(rule).next_after(at(start)) == at(expected)


def test_next_after_ignores_seconds():
    moment = datetime(2024, 3, 4, 9, 4, 59, 999)
    assert Rule.parse("*/5 * * * *").next_after(moment) == at("2024-03-04 09:05")


def test_impossible_date_has_no_next():
    assert Rule.parse("0 0 31 2 *").next_after(at("2024-03-04 09:00")) is None


@pytest.mark.parametrize(
    "day, expected",
    [
        ("2024-03-15 00:00", True),   # the 15th, a Friday
        ("2024-03-18 00:00", True),   # a Monday
        ("2024-03-19 00:00", False),
    ],
)
def test_day_and_weekday_are_alternatives(day, expected):
    assert Rule.parse("0 0 15 * mon").matches(at(day)) is expected


def test_weekday_alone_restricts():
    rule = Rule.parse("0 0 * * mon")
    assert rule.matches(at("2024-03-04 00:00"))
    assert not rule.matches(at("2024-03-05 00:00"))


def test_first_is_bounded():
    times = Rule.parse("0 */6 * * *").first(at("2024-03-04 09:00"), 3)
    assert times == [at("2024-03-04 12:00"), at("2024-03-04 18:00"), at("2024-03-05 00:00")]


def test_upcoming_ends_for_impossible_rule():
    assert list(Rule.parse("0 0 30 2 *").upcoming(at("2024-03-04 09:00"))) == []


@pytest.mark.parametrize("text", ["", "* * * *", "* * * * * *", "@never", "61 * * * *"])
def test_refused(text):
    with pytest.raises(RuleError):
        Rule.parse(text)
