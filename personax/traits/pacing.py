"""How fast requests are sent: within the limits a minute, and fewer at once where an endpoint says so."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic

MINUTE = 60.0  # seconds
FEWEST_AT_START = 4  # requests under way at the same time, before the endpoint has shown what it bears


class MinuteBudget:
    """So many requests and tokens in any minute.

    Attributes:
        requests, tokens: the limits; None for none.
        now, sleep: the clock in seconds, and waiting for so many of them.
    """

    def __init__(
        self,
        requests: int | None = None,
        tokens: int | None = None,
        *,
        now: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.requests, self.tokens = requests, tokens
        self._now, self._sleep = now, sleep
        self._spent: deque[tuple[float, int]] = deque()  # time and tokens of each request of the last minute

    async def spend(self, tokens: int) -> None:
        """Wait until one more request of so many tokens is within the limits, and count it."""
        while wait := self._wait(tokens):
            await self._sleep(wait)
        self._spent.append((self._now(), tokens))

    def _wait(self, tokens: int) -> float:
        """Seconds until there may be room; 0 if there is."""
        now = self._now()
        while self._spent and self._spent[0][0] + MINUTE <= now:
            self._spent.popleft()
        full = self.requests is not None and len(self._spent) >= self.requests
        if self.tokens is not None:
            full = full or sum(spent for _, spent in self._spent) + tokens > self.tokens
        return max(self._spent[0][0] + MINUTE - now, 1e-3) if full and self._spent else 0.0


class Throng:
    """How many requests may be under way: more and more while all goes well, half when it is too many.

    Attributes:
        limit: how many may be under way now.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = min(FEWEST_AT_START, most)
        self._inside = self._well = self._cuts = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[int]:
        """Wait for a place and keep it in the block; the value is to be given to `too_many`."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._inside < self.limit)
            self._inside += 1
        try:
            yield self._cuts
        finally:
            async with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def went_well(self) -> None:
        """A request was answered. After as many as are under way, one more may be."""
        self._well += 1
        if self._well >= self.limit:
            self.limit, self._well = min(self.limit + 1, self._most), 0

    def too_many(self, cuts: int) -> None:
        """The endpoint said so. Requests of one throng, which all are told so, halve it only once."""
        if cuts == self._cuts:
            self.limit, self._well, self._cuts = max(self.limit // 2, 1), 0, self._cuts + 1
