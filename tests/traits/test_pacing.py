"""Limits a minute by a clock of the test's own; how many requests are under way."""

import asyncio
from collections.abc import Sequence

import pytest

from personax.traits.pacing import MinuteBudget, Throng


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def times_of(requests: int | None, tokens: int | None, spent: Sequence[int]) -> list[float]:
    """When each request is sent."""
    clock = Clock()
    budget = MinuteBudget(requests, tokens, now=clock.read, sleep=clock.sleep)

    async def send() -> list[float]:
        times = []
        for amount in spent:
            await budget.spend(amount)
            times.append(clock.now)
        return times

    return asyncio.run(send())


@pytest.mark.parametrize(("requests", "tokens"), [(3, None), (None, 250), (3, 250), (100, 120)])
def test_no_minute_has_more_than_the_limits(requests: int | None, tokens: int | None) -> None:
    spent = [100, 20, 70, 100, 5, 5, 90, 100, 100]
    times = times_of(requests, tokens, spent)
    for start in times:
        within = [amount for time, amount in zip(times, spent, strict=True) if start <= time < start + 60]
        assert requests is None or len(within) <= requests
        assert tokens is None or sum(within) <= tokens
    assert times[-1] < 60 * len(spent)


def test_without_limits_nothing_waits() -> None:
    assert times_of(None, None, [10**6] * 5) == [0.0] * 5


def test_a_throng_grows_while_all_goes_well_and_is_halved_once_by_requests_that_started_together() -> None:
    async def run() -> list[int]:
        throng, limits = Throng(8), []
        for _ in range(100):
            throng.went_well()
        limits.append(throng.limit)
        async with throng.place() as first, throng.place() as second:
            throng.too_many(first)
            throng.too_many(second)
            limits.append(throng.limit)
        async with throng.place() as third:
            throng.too_many(third)
        limits.append(throng.limit)
        return limits

    assert asyncio.run(run()) == [8, 4, 2]


def test_never_more_than_the_limit_are_inside() -> None:
    async def run() -> int:
        throng, inside, most = Throng(3), 0, 0

        async def visit() -> None:
            nonlocal inside, most
            async with throng.place():
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(visit() for _ in range(20)))
        return most

    assert asyncio.run(run()) == 3
