from datetime import datetime, timedelta

import pytest

from cronlet import History, Job, Registry, Run, Runner

MONDAY = datetime(2024, 3, 4, 9, 0)


class FakeClock:
    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now

    def advance(self, **parts):
        self.now += timedelta(**parts)


@pytest.fixture
def clock():
    return FakeClock(MONDAY)


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def registry():
    return Registry()


@pytest.fixture
def runner(registry, clock, pauses):
    async def sleep(seconds):
        pauses.append(seconds)
        clock.advance(seconds=seconds)

    return Runner(registry, clock, sleep=sleep)


@pytest.fixture
def make_job():
    def make(name="job", rule="0 9 * * *", action=lambda: None, **options):
        return Job.create(name, rule, action, **options)

    return make


@pytest.fixture
def make_run():
    def make(job="job", minute=0, seconds=10, error=None, skipped=False):
        started = MONDAY + timedelta(minutes=minute)
        return Run(job, started, started + timedelta(seconds=seconds), 1, error, skipped)

    return make


@pytest.fixture
def history():
    return History(keep=5)
