"""A job: a name, a rule and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Awaitable, Callable, Optional, Union

from .retry import RetryPolicy
from .rule import Rule

Action = Callable[[], Union[Any, Awaitable[Any]]]


@dataclass
class Job:
    """Something that runs again and again."""

    name: str
    rule: Rule
    action: Action
    tags: frozenset[str] = frozenset()
    after: tuple[str, ...] = ()
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    timeout: Optional[float] = None
    grace: timedelta = timedelta(minutes=5)
    enabled: bool = True
    last_run: Optional[datetime] = None

    @classmethod
    def create(cls, name: str, rule: str, action: Action, **options: Any) -> "Job":
        """Make a job from the text of a rule."""
        tags = frozenset(tag.strip().lower() for tag in options.pop("tags", ()))
        return cls(name=name, rule=Rule.parse(rule), action=action, tags=tags, **options)

    def scheduled_for(self, now: datetime) -> Optional[datetime]:
        """Return the minute for which the job is due at ``now``, or None.

        A job that was missed, for example because the machine slept, is made up for within its grace period.
        """
        if not self.enabled:
            return None
        start = now.replace(second=0, microsecond=0) - self.grace
        if self.last_run is not None and self.last_run >= start:
            start = self.last_run
        else:
            start -= timedelta(minutes=1)
        latest = None
        for moment in self.rule.upcoming(start):
            if moment > now:
                break
            latest = moment
        return latest

    def next_run(self, now: datetime) -> Optional[datetime]:
        """Return when the job runs next."""
        if not self.enabled:
            return None
        return self.rule.next_after(now)

    def pause(self) -> None:
        """Do not run until resumed."""
        self.enabled = False

    def resume(self, now: datetime) -> None:
        """Run again from now on; what was missed during the pause stays missed."""
        self.enabled = True
