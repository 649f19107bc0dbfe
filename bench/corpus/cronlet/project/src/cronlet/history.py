"""What ran, when, and how it ended."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Deque, Dict, Iterator, List, Optional


@dataclass(frozen=True)
class Run:
    """One run of a job, with all its attempts."""

    job: str
    started: datetime
    finished: datetime
    attempts: int = 1
    error: Optional[str] = None
    skipped: bool = False

    @property
    def ok(self) -> bool:
        """Whether the run did what it should."""
        return self.error is None and not self.skipped

    @property
    def duration(self) -> timedelta:
        """How long it took."""
        return self.finished - self.started


class History:
    """The newest runs of each job."""

    def __init__(self, keep: int = 20) -> None:
        self.keep = keep
        self._runs: Dict[str, Deque[Run]] = {}

    def add(self, run: Run) -> None:
        """Remember a run and forget the oldest when there are too many."""
        self._runs.setdefault(run.job, deque(maxlen=self.keep)).append(run)

    def of(self, job: str) -> List[Run]:
        """Return the runs of a job, oldest first."""
        return list(self._runs.get(job, ()))

    def __iter__(self) -> Iterator[Run]:
        for job in sorted(self._runs):
            yield from self._runs[job]

    def last(self, job: str) -> Optional[Run]:
        """Return the newest run of a job."""
        runs = self._runs.get(job)
        return runs[-1] if runs else None

    def last_success(self, job: str) -> Optional[Run]:
        """Return the newest run that ended well."""
        for run in reversed(self.of(job)):
            if run.ok:
                return run
        return None

    def failure_streak(self, job: str) -> int:
        """Return how many runs in a row failed; skipped runs do not count either way."""
        streak = 0
        for run in reversed(self.of(job)):
            if run.skipped:
                continue
            if run.ok:
                break
            streak += 1
        return streak

    def success_rate(self, job: str) -> Optional[float]:
        """Return the share of good runs among those that were not skipped."""
        runs = [run for run in self.of(job) if not run.skipped]
        if not runs:
            return None
        return sum(run.ok for run in runs) / len(runs)

    def average_duration(self, job: str) -> Optional[timedelta]:
        """Return the mean duration of good runs."""
        durations = [run.duration for run in self.of(job) if run.ok]
        if not durations:
            return None
        return sum(durations, timedelta()) / len(durations)
