"""All jobs by name, and the order among them."""

from __future__ import annotations

from datetime import datetime
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from .errors import DependencyCycle, DuplicateJob, UnknownJob
from .job import Job


class Registry:
    """A collection of jobs with unique names."""

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self._jobs: Dict[str, Job] = {}
        for job in jobs:
            self.add(job)

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(sorted(self._jobs.values(), key=lambda job: job.name))

    def __contains__(self, name: object) -> bool:
        return name in self._jobs

    def add(self, job: Job) -> Job:
        """Register a job; its name must be new."""
        if job.name in self._jobs:
            raise DuplicateJob(job.name)
        self._jobs[job.name] = job
        return job

    def remove(self, name: str) -> Job:
        """Forget a job and every wish of others to run after it."""
        job = self.get(name)
        del self._jobs[name]
        for other in self._jobs.values():
            if name in other.after:
                other.after = tuple(wanted for wanted in other.after if wanted != name)
        return job

    def get(self, name: str) -> Job:
        """Return the job of that name."""
        try:
            return self._jobs[name]
        except KeyError:
            raise UnknownJob(name) from None

    def tagged(self, *tags: str) -> List[Job]:
        """Return the jobs that carry all of ``tags``."""
        wanted = {tag.strip().lower() for tag in tags}
        return [job for job in self if wanted <= job.tags]

    def due(self, now: datetime) -> List[Job]:
        """Return the jobs to run at ``now``, each after those that it waits for."""
        ready = {job.name for job in self if job.scheduled_for(now) is not None}
        return [job for job in self.ordered() if job.name in ready]

    def next_wakeup(self, now: datetime) -> Optional[Tuple[datetime, List[str]]]:
        """Return when something runs next, and the names of what runs then."""
        times: Dict[datetime, List[str]] = {}
        for job in self:
            moment = job.next_run(now)
            if moment is not None:
                times.setdefault(moment, []).append(job.name)
        if not times:
            return None
        first = min(times)
        return first, times[first]

    def ordered(self) -> List[Job]:
        """Return all jobs so that each comes after those in its ``after``."""
        done: List[Job] = []
        finished: set[str] = set()
        visiting: List[str] = []

        def visit(job: Job) -> None:
            if job.name in finished:
                return
            if job.name in visiting:
                loop = visiting[visiting.index(job.name):] + [job.name]
                raise DependencyCycle(" -> ".join(loop))
            visiting.append(job.name)
            for name in sorted(job.after):
                visit(self.get(name))
            visiting.pop()
            finished.add(job.name)
            done.append(job)

        for job in self:
            visit(job)
        return done
