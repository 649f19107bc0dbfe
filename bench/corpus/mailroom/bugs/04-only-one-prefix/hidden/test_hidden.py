import unittest

from mailroom.digest import conversations
from mailroom.message import base_subject

from .support import message


class HiddenTest(unittest.TestCase):
    def test_prefixes(self):
        for subject, expected in [
            ("Re: Re: Re: Re: a  b", "a b"),
            ("fw: AW: a", "a"),
            ("Re[3]: Fwd : a", "a"),
            ("Re: Rewrite: a", "Rewrite: a"),
            ("Re:", ""),
            ("a Re: b", "a Re: b"),
        ]:
            with self.subTest(subject):
                self.assertEqual(base_subject(subject), expected)

    def test_conversation(self):
        groups = conversations([message(subject="Plan", hours=2), message(subject="Fwd: Re: Plan", hours=1)])
        self.assertEqual(len(groups), 1)
