import asyncio

import pytest


def raising(error):
    async def action():
        raise error

    return action


@pytest.mark.parametrize("text", ["", "no answer from database"])
def test_own_timeout_is_a_failed_run(runner, make_job, text):
    run = asyncio.run(runner.run_job(make_job(action=raising(asyncio.TimeoutError(text)))))
    assert not run.ok
    assert run.attempts == 1
    assert runner.history.last("job") == run


def test_limit_is_named(runner, make_job):
    run = asyncio.run(runner.run_job(make_job(action=raising(asyncio.TimeoutError()), timeout=2.5)))
    assert run.error == "timed out after 2.5 s"
