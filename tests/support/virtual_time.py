"""Actors that take turns in virtual time: everything may happen between two calls of one actor.

Each actor is a thread, but only one runs at a time: it runs until it waits, then the actor whose
wait ends first goes on. What happens is the same for the same seed.
"""

import heapq
import itertools
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workspace_usage.rollups.writing import COMMIT


class Killed(BaseException):
    """The actor's process is gone, at once: it is no error that code could handle."""


class _Ended(BaseException):
    """The world has ended."""


class World:
    """Actors, and the time.

    Args:
        seed: of everything that is random.
        now: the time at which the world begins.

    Attributes:
        random: everything that is random.
        now: the time.
        after_turn: is called after each turn of an actor.
    """

    def __init__(self, seed: int, now: datetime) -> None:
        self.random = random.Random(seed)
        self.now = now
        self.after_turn: Callable[[], None] = lambda: None
        self._turns: list[tuple[datetime, int, _Actor]] = []
        self._numbers = itertools.count()
        self._current: _Actor | None = None

    def clock(self) -> datetime:
        """Returns the time."""
        return self.now

    def start(self, run: Callable[[], object], after: timedelta = timedelta()) -> None:
        """Makes an actor, whose first turn comes after some time."""
        self._schedule(_Actor(run), after)

    def wait(self, duration: timedelta) -> None:
        """Ends the turn of the actor that calls this; its next turn comes after some time."""
        actor = self._current
        assert actor is not None, "only actors can wait"
        until = self.now + duration
        if self._turns and self._turns[0][0] <= until:
            self._schedule(actor, duration)
            actor.pause()
        else:  # it would be the next one: no need to change threads
            self.after_turn()
            self.now = until

    def seconds(self, least: float, most: float) -> timedelta:
        """Returns a random duration, in whole milliseconds."""
        return timedelta(milliseconds=self.random.randint(int(least * 1000), int(most * 1000)))

    def run(self) -> None:
        """Lets the actors take turns until all have ended, or one of them fails.

        Raises:
            Exception: what an actor, or ``after_turn``, has raised.
        """
        try:
            while self._turns:
                at, _, actor = heapq.heappop(self._turns)
                self.now = max(self.now, at)
                self._current = actor
                actor.resume()
                self._current = None
                if actor.error is not None:
                    raise actor.error
                self.after_turn()
        finally:
            for _, _, actor in self._turns:
                actor.end()

    def _schedule(self, actor: "_Actor", after: timedelta) -> None:
        heapq.heappush(self._turns, (self.now + after, next(self._numbers), actor))


class _Actor:
    """A thread that runs only while the world waits for it."""

    def __init__(self, run: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        self._run_ = run
        # Locks as semaphores: one thread releases what the other one waits for.
        self._mine, self._worlds = threading.Lock(), threading.Lock()
        self._mine.acquire()
        self._worlds.acquire()
        self._thread: threading.Thread | None = None
        self._is_ended = False

    def resume(self) -> None:
        """Lets the actor run until it waits or has ended."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        else:
            self._mine.release()
        self._worlds.acquire()

    def pause(self) -> None:
        """Lets the world run until it is this actor's turn."""
        self._worlds.release()
        self._mine.acquire()
        if self._is_ended:
            raise _Ended

    def end(self) -> None:
        """Ends the actor where it waits."""
        if self._thread is not None:
            self._is_ended = True
            self.resume()
            self._thread.join()

    def _run(self) -> None:
        try:
            self._run_()
        except (Killed, _Ended):
            pass
        except BaseException as error:  # noqa: BLE001 - the world raises it
            self.error = error
        self._worlds.release()


@dataclass(frozen=True, slots=True)
class Pace:
    """How long calls take, and how often a process is killed.

    Attributes:
        killed: the probability that the process is killed before, or after, a call has its effect.
        slow: the probability that a call takes up to 40 seconds.
        stuck: the probability that it takes one to ten minutes.
        usual: the seconds that other calls take at most.
    """

    killed: float = 0
    slow: float = 0
    stuck: float = 0
    usual: float = 2

    def pause(self, world: World) -> timedelta:
        """Returns how long something takes.

        Raises:
            Killed: the process is killed instead.
        """
        chance = world.random.random()
        if (chance := chance - self.killed) < 0:
            raise Killed
        if (chance := chance - self.slow) < 0:
            return world.seconds(0, 40)
        if chance < self.stuck:
            return world.seconds(60, 600)
        return world.seconds(0, self.usual)


class TimedClient:
    """A client of one process, whose calls take time before and after they have their effect.

    The client's own limits end a transaction's attempts within ``COMMIT``, so it has its effect by
    then or never.

    Args:
        client: makes the calls.
        world: the time.
        pace: returns how long calls take now.
        after_write: is called after each write, before others see that it is done.

    Attributes:
        deadline: when the process is killed, or None.
    """

    def __init__(
        self,
        client: Any,
        world: World,
        pace: Callable[[], Pace],
        after_write: Callable[[], None] = lambda: None,
    ) -> None:
        self.exceptions = client.exceptions
        self.deadline: datetime | None = None
        self._client, self._world, self._pace = client, world, pace
        self._after_write = after_write

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        call = getattr(self._client, operation)

        def timed(**request: Any) -> Any:
            self._wait(COMMIT if operation == "transact_write_items" else timedelta.max)
            response = call(**request)
            if operation not in ("query", "get_item"):
                self._after_write()
            self._wait()
            return response

        return timed

    def _wait(self, longest: timedelta = timedelta.max) -> None:
        pause = min(longest, self._pace().pause(self._world))
        if self.deadline is None or self._world.now + pause <= self.deadline:
            self._world.wait(pause)
            return
        self._world.wait(max(self.deadline - self._world.now, timedelta()))
        raise Killed
