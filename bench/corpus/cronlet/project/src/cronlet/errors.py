"""What can go wrong."""

from __future__ import annotations


class CronletError(Exception):
    """Base of all errors of this package."""


class RuleError(CronletError):
    """A rule that cannot be understood."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r}: {reason}")
        self.text = text
        self.reason = reason


class UnknownJob(CronletError):
    """A job that was never registered."""


class DuplicateJob(CronletError):
    """A second job with the same name."""


class DependencyCycle(CronletError):
    """Jobs that wait for each other."""
