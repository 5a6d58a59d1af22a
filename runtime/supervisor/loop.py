"""The event loop: descriptors that become ready, and moments that come.

Level-triggered epoll(7). A callback may be called once too often (its descriptor's number was closed
and given out again within one round), so each one must cope with finding nothing to do.
"""

import heapq
import select
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable

Callback = Callable[[], object]
"""What it returns does not matter."""

READABLE = select.EPOLLIN
WRITABLE = select.EPOLLOUT


class Timer:
    """A callback that is due at a moment, unless it is cancelled."""

    __slots__ = ("callback", "due")

    def __init__(self, due: float, callback: Callback) -> None:
        self.due = due
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        """Forget the callback. Idempotent."""
        self.callback = None

    def __lt__(self, other: "Timer") -> bool:
        return self.due < other.due


class Loop:
    """Calls back until `stop`."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._callbacks: dict[int, Callback] = {}
        self._timers: list[Timer] = []
        self._running = False

    def watch(self, descriptor: int, callback: Callback, events: int = READABLE) -> None:
        """Call back whenever the descriptor is ready. Watching it anew replaces callback and events."""
        if descriptor in self._callbacks:
            self._poll.modify(descriptor, events)
        else:
            self._poll.register(descriptor, events)
        self._callbacks[descriptor] = callback

    def unwatch(self, descriptor: int) -> Callback | None:
        """Stop watching, before the descriptor is closed; return the callback it had. Idempotent.

        epoll watches the open file, not the number: with a duplicate in the keeper, a close alone
        would leave it watched for ever.
        """
        callback = self._callbacks.pop(descriptor, None)
        if callback is not None:
            self._poll.unregister(descriptor)
        return callback

    def after(self, seconds: float, callback: Callback) -> Timer:
        """Call back once, `seconds` from now."""
        timer = Timer(time.monotonic() + seconds, callback)
        heapq.heappush(self._timers, timer)
        return timer

    def stop(self) -> None:
        """Make `run` return after the callback that runs now."""
        self._running = False

    def run(self) -> None:
        """Call back until `stop`.

        An exception in a callback is written to stderr and ends that callback only. But for a state that
        cannot be written: that ends the process, and the next one adopts what nobody could record.
        """
        self._running = True
        while self._running:
            for descriptor, _ in self._wait():
                callback = self._callbacks.get(descriptor)
                if callback is not None and self._running:
                    _call(callback)
            self._call_due()

    def close(self) -> None:
        """Release the epoll descriptor; what it watches stays open."""
        self._poll.close()

    def _wait(self) -> list[tuple[int, int]]:
        while self._timers and self._timers[0].callback is None:
            heapq.heappop(self._timers)
        timeout_s = max(0.0, self._timers[0].due - time.monotonic()) if self._timers else None
        try:
            return self._poll.poll(timeout_s)
        except InterruptedError:
            return []

    def _call_due(self) -> None:
        now = time.monotonic()
        while self._running and self._timers and self._timers[0].due <= now:
            callback = heapq.heappop(self._timers).callback
            if callback is not None:
                _call(callback)


def _call(callback: Callback) -> None:
    try:
        callback()
    except sqlite3.Error:
        raise
    except Exception:  # noqa: BLE001 - one container's trouble must not end the others' supervision
        traceback.print_exc(file=sys.stderr)
