import unittest

from mailroom import Mailbox, MailroomError, QuotaExceeded, UnknownFolder

from .support import message


class MailboxTest(unittest.TestCase):
    def setUp(self):
        self.mailbox = Mailbox()
        self.message = message(body="12345")
        self.mailbox.deliver(self.message)

    def test_deliver(self):
        self.assertEqual(self.mailbox.where(self.message), "Inbox")
        self.assertEqual(self.mailbox.folder("Inbox").unread, 1)

    def test_twice_is_refused(self):
        with self.assertRaises(MailroomError):
            self.mailbox.deliver(self.message)

    def test_create_nested(self):
        self.assertEqual(self.mailbox.create("a/ b /c").name, "a/b/c")
        self.assertEqual(self.mailbox.names(), ["Inbox", "Trash", "a", "a/b", "a/b/c"])

    def test_create_again_keeps_messages(self):
        self.assertEqual(len(self.mailbox.create("Inbox").messages), 1)

    def test_create_needs_name(self):
        with self.assertRaises(MailroomError):
            self.mailbox.create(" / ")

    def test_move(self):
        self.mailbox.create("Work")
        self.mailbox.move(self.message, "Work")
        self.assertEqual(self.mailbox.where(self.message), "Work")
        self.assertEqual(self.mailbox.folder("Inbox").messages, [])

    def test_move_to_unknown_changes_nothing(self):
        with self.assertRaises(UnknownFolder):
            self.mailbox.move(self.message, "Nope")
        self.assertEqual(self.mailbox.folder("Inbox").messages, [self.message])

    def test_delete_twice_removes(self):
        self.mailbox.delete(self.message)
        self.assertEqual(self.mailbox.where(self.message), "Trash")
        self.mailbox.delete(self.message)
        self.assertIsNone(self.mailbox.where(self.message))
        self.assertEqual(list(self.mailbox), [])

    def test_removed_can_come_again(self):
        self.mailbox.delete(self.message)
        self.mailbox.delete(self.message)
        self.mailbox.deliver(self.message)
        self.assertEqual(self.mailbox.where(self.message), "Inbox")

    def test_quota(self):
        mailbox = Mailbox(quota=10)
        mailbox.deliver(message(body="12345"))
        mailbox.deliver(message(body="12345"))
        with self.assertRaises(QuotaExceeded):
            mailbox.deliver(message(body="1"))

    def test_trash_is_not_counted(self):
        mailbox = Mailbox(quota=10)
        first = message(body="1234567890")
        mailbox.deliver(first)
        mailbox.delete(first)
        mailbox.deliver(message(body="1234567890"))
        self.assertEqual(mailbox.size, 10)

    def test_remove_folder(self):
        self.mailbox.create("a/b")
        self.mailbox.create("ab")
        self.mailbox.move(self.message, "a/b")
        self.assertEqual(self.mailbox.remove_folder("a"), 1)
        self.assertEqual(self.mailbox.names(), ["Inbox", "Trash", "ab"])
        self.assertEqual(self.mailbox.where(self.message), "Trash")

    def test_remove_folder_with_several(self):
        self.mailbox.create("a")
        for _ in range(3):
            extra = message()
            self.mailbox.deliver(extra)
            self.mailbox.move(extra, "a")
        self.assertEqual(self.mailbox.remove_folder("a"), 3)
        self.assertEqual(len(self.mailbox.folder("Trash").messages), 3)

    def test_inbox_stays(self):
        with self.assertRaises(MailroomError):
            self.mailbox.remove_folder("Inbox")
