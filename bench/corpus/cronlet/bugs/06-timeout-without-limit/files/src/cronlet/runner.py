"""Running what is due."""

from __future__ import annotations

import asyncio
import inspect
from datetime import datetime
from typing import Awaitable, Callable, Dict, List, Optional

from .history import History, Run
from .job import Job
from .registry import Registry

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]


class Runner:
    """Runs jobs, several at a time, each after those it waits for."""

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
        history: Optional[History] = None,
        parallel: int = 4,
    ) -> None:
        self.registry = registry
        self.clock = clock
        self.sleep = sleep
        self.history = history if history is not None else History()
        self.parallel = parallel

    async def run_due(self) -> List[Run]:
        """Run everything that is due and return what happened, in order of dependence."""
        now = self.clock()
        jobs = self.registry.due(now)
        gate = asyncio.Semaphore(self.parallel)
        tasks: Dict[str, "asyncio.Task[Run]"] = {}
        for job in jobs:
            before = [tasks[name] for name in job.after if name in tasks]
            tasks[job.name] = asyncio.ensure_future(self._run_after(job, before, gate))
        return [await tasks[job.name] for job in jobs]

    async def _run_after(
        self, job: Job, before: "List[asyncio.Task[Run]]", gate: asyncio.Semaphore
    ) -> Run:
        for run in await asyncio.gather(*before):
            if not run.ok:
                return self._skip(job, f"{run.job} did not succeed")
        async with gate:
            return await self.run_job(job)

    async def run_job(self, job: Job) -> Run:
        """Run one job now, with retries."""
        started = self.clock()
        job.last_run = started
        delays = job.retry.delays()
        attempts = 0
        while True:
            attempts += 1
            try:
                await self._attempt(job)
            except Exception as error:
                delay = next(delays, None)
                if delay is None or not job.retry.allows(error):
                    return self._finish(job, started, attempts, describe(error, job))
                await self.sleep(delay)
            else:
                return self._finish(job, started, attempts, None)

    async def _attempt(self, job: Job) -> None:
        result = job.action()
        if inspect.isawaitable(result):
            await asyncio.wait_for(result, job.timeout)

    def _finish(self, job: Job, started: datetime, attempts: int, error: Optional[str]) -> Run:
        run = Run(job.name, started, self.clock(), attempts, error)
        self.history.add(run)
        return run

    def _skip(self, job: Job, reason: str) -> Run:
        now = self.clock()
        job.last_run = now
        run = Run(job.name, now, now, 0, reason, skipped=True)
        self.history.add(run)
        return run


def describe(error: BaseException, job: Job) -> str:
    """Put an error into words."""
    if isinstance(error, asyncio.TimeoutError):
        return f"timed out after {job.timeout:g} s"
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
