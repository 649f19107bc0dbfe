"""A small job scheduler with cron-like rules."""

from .errors import CronletError, DependencyCycle, DuplicateJob, RuleError, UnknownJob
from .history import History, Run
from .job import Job
from .registry import Registry
from .retry import RetryPolicy
from .rule import Rule
from .runner import Runner

__all__ = [
    "CronletError",
    "DependencyCycle",
    "DuplicateJob",
    "History",
    "Job",
    "Registry",
    "RetryPolicy",
    "Rule",
    "RuleError",
    "Run",
    "Runner",
    "UnknownJob",
]
