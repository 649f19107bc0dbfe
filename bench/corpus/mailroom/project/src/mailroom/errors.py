"""What can go wrong."""


class MailroomError(Exception):
    """Base of all errors of this package."""


class UnknownFolder(MailroomError):
    """A folder that does not exist."""


class QuotaExceeded(MailroomError):
    """A mailbox that is full."""


class RuleSyntaxError(MailroomError):
    """A rule that cannot be read."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
