import asyncio


def test_dependency_that_is_not_due(runner, registry, make_job):
    registry.add(make_job("load", rule="0 3 * * *"))
    registry.add(make_job("report", rule="0 9 * * *", after=("load",)))
    runs = asyncio.run(runner.run_due())
    assert [(run.job, run.ok) for run in runs] == [("report", True)]


def test_the_due_one_is_waited_for(runner, registry, make_job):
    order = []
    registry.add(make_job("early", rule="0 3 * * *"))
    registry.add(make_job("z", action=lambda: order.append("z")))
    registry.add(make_job("a", after=("early", "z"), action=lambda: order.append("a")))
    asyncio.run(runner.run_due())
    assert order == ["z", "a"]
