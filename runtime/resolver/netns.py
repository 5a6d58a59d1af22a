"""Network namespaces of the calling thread: enter one, make one, come back.

Both act on one thread only. The processes that use them have a single thread, or a thread made for it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from runtime.syscall.constants import CLONE_NEWNET
from runtime.syscall.namespace import setns, unshare

_OWN = "/proc/thread-self/ns/net"


def current() -> int:
    """Return a new descriptor of the calling thread's network namespace."""
    return os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)


def enter(descriptor: int) -> None:
    """Move the calling thread into a network namespace. Raises SyscallError."""
    setns(descriptor, CLONE_NEWNET)


def make() -> None:
    """Move the calling thread into a new network namespace. Raises SyscallError."""
    unshare(CLONE_NEWNET)


@contextmanager
def inside(descriptor: int) -> Iterator[None]:
    """Run a block of the calling thread in another network namespace, then come back."""
    home = current()
    try:
        enter(descriptor)
        try:
            yield
        finally:
            enter(home)
    finally:
        os.close(home)
