"""Threads for Runtime calls, made when there is more to do than threads."""

import threading
from collections.abc import Callable
from queue import SimpleQueue


class Workers:
    """Runs calls side by side. No limit of its own: whoever submits decides how many.

    concurrent.futures does the same but imports logging, 10 ms that every `up` would pay.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)

    def submit(self, call: Callable[[], None]) -> None:
        """Run `call`, which must not raise, on a thread that has nothing to do."""
        if not self._idle.acquire(blocking=False):
            # Daemon: a second Ctrl-C must be able to end the program while a stop is waited for.
            thread = threading.Thread(target=self._work, name=f"operation-{len(self._threads) + 1}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._calls.put(call)

    def close(self) -> None:
        """Let the threads end. Call it when nothing runs any more."""
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            self._idle.release()
