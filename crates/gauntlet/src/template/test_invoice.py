import unittest

from invoice import line, total


class InvoiceTest(unittest.TestCase):
    def test_nothing_costs_nothing(self):
        self.assertEqual(total([]), 0)

    def test_a_line_counts_its_quantity(self):
        self.assertEqual(line(LARGER, SMALLER), LARGER * SMALLER)

    def test_lines_are_added(self):
        self.assertEqual(total([(LARGER, 2), (2, SMALLER)]), 2 * LARGER + 2 * SMALLER)
