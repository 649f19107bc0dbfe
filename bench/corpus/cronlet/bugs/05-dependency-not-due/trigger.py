"""A night shift: load at three, report at nine."""

import asyncio
from datetime import datetime

from cronlet import Job, Registry, RetryPolicy, Runner


def build() -> Registry:
    registry = Registry()
    registry.add(Job.create("load-orders", "0 3 * * *", lambda: 120, retry=RetryPolicy(attempts=3)))
    registry.add(Job.create("clean-up", "30 * * * *", lambda: None))
    registry.add(Job.create("mail-report", "0 9 * * mon-fri", lambda: None, after=("load-orders",)))
    return registry


async def tick(registry: Registry, now: datetime) -> int:
    runner = Runner(registry, clock=lambda: now)
    runs = await runner.run_due()
    return len(runs)


def main() -> None:
    print(asyncio.run(tick(build(), datetime(2024, 6, 3, 9, 0))))


if __name__ == "__main__":
    main()
