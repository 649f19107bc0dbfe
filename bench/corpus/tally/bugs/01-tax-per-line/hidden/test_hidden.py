from tally import Money


def eur(text):
    return Money.parse(f"{text} EUR")


def test_many_small_lines(make_invoice, table):
    assert make_invoice(*["0.02"] * 10).total(table) == eur("0.24")
    assert make_invoice(*["0.03"] * 10).total(table) == eur("0.36")


def test_two_rates(make_invoice, table):
    invoice = make_invoice(*["0.07"] * 3)
    for _ in range(4):
        invoice.add("book", eur("0.05"), category="books")
    assert sorted(str(tax) for tax in invoice.taxes(table).values()) == ["0.01 EUR", "0.04 EUR"]


def test_no_lines(make_invoice, table):
    assert make_invoice().taxes(table) == {}
