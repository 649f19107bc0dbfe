from datetime import date

import pytest

from tally import Money
from tally.export import from_csv

HEAD = "entry,date,text,account,amount\n"


@pytest.mark.parametrize("day", [" 2024-05-01", "2024-05-01 ", "  2024-05-01  ", "2024-05-01"])
def test_spaces(ledger, day):
    assert from_csv(HEAD + f"1,{day},Sale, 1000 , 5.00\n1,{day},Sale,4000,-5.00\n", ledger) == 1
    assert ledger.entries[0].day == date(2024, 5, 1)
    assert ledger.balance("1000") == Money(500, "EUR")


def test_nonsense_is_still_refused(ledger):
    with pytest.raises(ValueError):
        from_csv(HEAD + "1,someday,Sale,1000,5.00\n1,someday,Sale,4000,-5.00\n", ledger)
