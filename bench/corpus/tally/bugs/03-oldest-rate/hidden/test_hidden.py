from datetime import date

import pytest

from tally import TaxTable


@pytest.fixture
def changes():
    table = TaxTable(home="AT")
    table.add("AT", "10")
    table.add("AT", "13", since=date(2022, 1, 1))
    table.add("AT", "12", since=date(2023, 1, 1))
    table.add("AT", "5", category="food", since=date(2023, 6, 1))
    return table


@pytest.mark.parametrize(
    "day, percent", [(date(2021, 5, 5), 10), (date(2022, 1, 1), 13), (date(2022, 12, 31), 13), (date(2024, 1, 1), 12)]
)
def test_newest_valid_rate(changes, day, percent):
    assert changes.lookup("AT", "standard", day).percent == percent


def test_category_before_its_first_rate(changes):
    assert changes.lookup("AT", "food", date(2023, 5, 31)).percent == 12
    assert changes.lookup("AT", "food", date(2023, 6, 1)).percent == 5
