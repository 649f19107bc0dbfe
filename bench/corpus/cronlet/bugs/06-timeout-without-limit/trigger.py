"""A job that asks a database with its own time limit."""

import asyncio
from datetime import datetime

from cronlet import History, Job, Registry, Runner


class Database:
    async def query(self, statement: str) -> list:
        answer: "asyncio.Future[list]" = asyncio.get_running_loop().create_future()
        return await asyncio.wait_for(answer, 0.01)


class Worker:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.history = History()
        self.registry = Registry()
        self.registry.add(Job.create("refresh-stock", "*/5 * * * *", self.refresh, tags=["Stock"]))

    async def refresh(self) -> None:
        await self.database.query("select * from stock")

    async def tick(self, now: datetime) -> None:
        runner = Runner(self.registry, clock=lambda: now, history=self.history)
        for run in await runner.run_due():
            print(run.job, run.error)


def main() -> None:
    asyncio.run(Worker(Database()).tick(datetime(2024, 6, 3, 9, 5)))


if __name__ == "__main__":
    main()
