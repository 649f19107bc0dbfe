"""When and how often a failed job is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Tuple, Type


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential back-off with a cap; delays are seconds."""

    attempts: int = 1
    base: float = 1.0
    factor: float = 2.0
    cap: float = 60.0
    fatal: Tuple[Type[BaseException], ...] = ()

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("attempts must be at least 1")

    def delays(self) -> Iterator[float]:
        """Yield the pause before each further attempt."""
        delay = self.base
        for _ in range(self.attempts - 1):
            yield min(delay, self.cap)
            delay *= self.factor

    def allows(self, error: BaseException) -> bool:
        """Tell whether a further attempt makes sense after ``error``."""
        return not isinstance(error, self.fatal)

    def total_delay(self) -> float:
        """Return how long all pauses take together."""
        return sum(self.delays())
