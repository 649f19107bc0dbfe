import unittest

from mailroom import Mailbox, MailroomError

from .support import message


class HiddenTest(unittest.TestCase):
    def setUp(self):
        self.mailbox = Mailbox()
        self.message = message()
        self.mailbox.deliver(self.message)
        self.mailbox.delete(self.message)

    def test_in_the_trash_it_is_known(self):
        self.assertEqual(self.mailbox.where(self.message), "Trash")

    def test_gone(self):
        self.mailbox.delete(self.message)
        self.assertIsNone(self.mailbox.where(self.message))
        with self.assertRaises(MailroomError):
            self.mailbox.delete(self.message)
        with self.assertRaises(MailroomError):
            self.mailbox.move(self.message, "Inbox")

    def test_others_stay(self):
        other = message()
        self.mailbox.deliver(other)
        self.mailbox.delete(self.message)
        self.assertEqual(self.mailbox.where(other), "Inbox")
