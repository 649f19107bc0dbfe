import asyncio

import pytest

from cronlet import RetryPolicy


def failing(times, error=RuntimeError("boom")):
    state = {"left": times, "calls": 0}

    def action():
        state["calls"] += 1
        if state["left"] > 0:
            state["left"] -= 1
            raise error

    action.state = state
    return action


def run(coroutine):
    return asyncio.run(coroutine)


def test_sync_action(runner, registry, make_job):
    seen = []
    registry.add(make_job(action=lambda: seen.append(1)))
    runs = run(runner.run_due())
    assert seen == [1]
    assert [r.ok for r in runs] == [True]


def test_async_action_is_awaited(runner, registry, make_job):
    seen = []

    async def action():
        await asyncio.sleep(0)
        seen.append(1)

    registry.add(make_job(action=action))
    run(runner.run_due())
    assert seen == [1]


def test_nothing_runs_twice(runner, registry, make_job, clock):
    registry.add(make_job())
    run(runner.run_due())
    clock.advance(seconds=20)
    assert run(runner.run_due()) == []


def test_retry_until_success(runner, make_job, pauses):
    result = run(runner.run_job(make_job(action=failing(2), retry=RetryPolicy(attempts=3))))
    assert result.ok
    assert result.attempts == 3
    assert pauses == [1.0, 2.0]
    assert result.duration.total_seconds() == 3


def test_gives_up(runner, make_job, pauses):
    result = run(runner.run_job(make_job(action=failing(9), retry=RetryPolicy(attempts=3))))
    assert result.error == "RuntimeError: boom"
    assert result.attempts == 3
    assert len(pauses) == 2


def test_fatal_is_not_retried(runner, make_job, pauses):
    policy = RetryPolicy(attempts=3, fatal=(KeyError,))
    result = run(runner.run_job(make_job(action=failing(9, KeyError("k")), retry=policy)))
    assert result.attempts == 1
    assert pauses == []


def test_timeout(runner, make_job):
    async def slow():
        await asyncio.sleep(30)

    result = run(runner.run_job(make_job(action=slow, timeout=0.01)))
    assert result.error == "timed out after 0.01 s"


def test_dependents_are_skipped(runner, registry, make_job):
    registry.add(make_job("load", action=failing(1)))
    registry.add(make_job("clean", after=("load",)))
    registry.add(make_job("report", after=("clean",)))
    load, clean, report = run(runner.run_due())
    assert not load.ok and not load.skipped
    assert clean.skipped and clean.error == "load did not succeed"
    assert report.skipped and report.error == "clean did not succeed"


def test_skipped_is_not_due_again(runner, registry, make_job, clock):
    registry.add(make_job("load", action=failing(1)))
    registry.add(make_job("clean", after=("load",)))
    run(runner.run_due())
    clock.advance(minutes=1)
    assert run(runner.run_due()) == []


@pytest.mark.parametrize("parallel, expected", [(1, 1), (2, 2), (8, 3)])
def test_parallel_is_bounded(runner, registry, make_job, parallel, expected):
    running = []
    peak = []

    async def action():
        running.append(1)
        peak.append(len(running))
        await asyncio.sleep(0.001)
        running.pop()

    for name in "abc":
        registry.add(make_job(name, action=action))
    runner.parallel = parallel
    run(runner.run_due())
    assert max(peak) == expected


def test_runs_are_remembered(runner, make_job):
    run(runner.run_job(make_job(action=failing(1))))
    assert runner.history.last("job").error == "RuntimeError: boom"
