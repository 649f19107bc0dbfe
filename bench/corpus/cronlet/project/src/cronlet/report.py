"""Putting the state of a scheduler into words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import List, Optional

from .history import History
from .job import Job
from .registry import Registry


def format_duration(duration: timedelta) -> str:
    """Write a duration as ``2d 3h``, ``4m 5s`` or ``120ms``: its two largest units."""
    seconds = int(duration.total_seconds())
    if seconds == 0:
        return f"{duration.microseconds // 1000}ms"
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])


def status_of(job: Job, history: History) -> str:
    """Say in one word how a job is doing."""
    if not job.enabled:
        return "paused"
    last = history.last(job.name)
    if last is None:
        return "new"
    if last.skipped:
        return "skipped"
    if not last.ok:
        streak = history.failure_streak(job.name)
        return "failing" if streak >= 3 else "failed"
    return "ok"


def line_for(job: Job, history: History, now: datetime) -> str:
    """Describe a job in one line."""
    upcoming = job.next_run(now)
    when = "never" if upcoming is None else "in " + format_duration(upcoming - now)
    average = history.average_duration(job.name)
    usual = "-" if average is None else format_duration(average)
    return f"{job.name:<20} {status_of(job, history):<8} next {when:<10} usual {usual}"


def summary(registry: Registry, history: History, now: datetime, tag: Optional[str] = None) -> str:
    """Describe all jobs, or those with a tag."""
    jobs: List[Job] = list(registry) if tag is None else registry.tagged(tag)
    lines = [line_for(job, history, now) for job in jobs]
    failing = [job.name for job in jobs if history.failure_streak(job.name) > 0]
    if failing:
        lines.append("needs attention: " + ", ".join(failing))
    return "\n".join(lines)


def overview(registry: Registry, now: datetime) -> str:
    """Say in one sentence what runs next."""
    wakeup = registry.next_wakeup(now)
    if wakeup is None:
        return "nothing is scheduled"
    moment, names = wakeup
    return f"{', '.join(names)} in {format_duration(moment - now)}"
