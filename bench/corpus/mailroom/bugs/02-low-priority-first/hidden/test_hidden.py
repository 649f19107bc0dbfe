import unittest

from mailroom import Engine, Mailbox, Rule
from mailroom.condition import All


class HiddenTest(unittest.TestCase):
    def test_order(self):
        engine = Engine(Mailbox())
        for name, priority in [("a", 0), ("b", 5), ("c", -3), ("d", 5), ("e", 0), ("f", 9)]:
            engine.add(Rule(name, All(()), (), priority))
        self.assertEqual([rule.name for rule in engine.rules], ["f", "b", "d", "a", "e", "c"])

    def test_replaced_rule_moves(self):
        engine = Engine(Mailbox(), [Rule("a", All(()), (), 1), Rule("b", All(()), (), 2)])
        engine.add(Rule("a", All(()), (), 3))
        self.assertEqual([rule.name for rule in engine.rules], ["a", "b"])
