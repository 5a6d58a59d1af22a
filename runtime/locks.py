"""One changing command at a time for each project.

flock belongs to the open file, so a killed command gives it back by dying. The file stays; the
holder's pid and command stand in it, so that whoever waits can say for whom.
"""

import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import PermissionDenied

ANNOUNCE_AFTER_S = 1.0
_POLL_S = 0.02


@contextmanager
def exclusive(path: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock at `path`; `waiting` is told the holder once it has taken a second.

    Raises PermissionDenied where the file cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise PermissionDenied(
            f"cannot use the run directory `{path.parent}`: {os.strerror(error.errno or 0).lower()}",
            hint="run pycompose as root, or set PYCOMPOSE_RUN to another directory",
        ) from error
    try:
        _acquire(descriptor, waiting)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {' '.join(sys.argv)[:200]}".encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock at `path`. A file that is not there, or not ours to open, is no answer: False."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _acquire(descriptor: int, waiting: Callable[[str], None]) -> None:
    begun = time.monotonic()
    announced = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not announced and time.monotonic() - begun > ANNOUNCE_AFTER_S:
                announced = True
                waiting(os.pread(descriptor, 256, 0).decode(errors="replace") or "another command")
            time.sleep(_POLL_S)
        else:
            return
