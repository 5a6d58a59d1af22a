"""Starting a project's pair, or finding the one that runs.

A flock on `keeper.lock` makes sure there is one pair: the client takes it, makes the listening socket,
and both pass to the new keeper as descriptors. The client can connect at once; what it asks waits in
the socket's queue until the supervisor is up.
"""

import fcntl
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from runtime.errors import PermissionDenied, Unavailable
from runtime.paths import Paths
from runtime.supervisor.estate import LISTENER_DESCRIPTOR, LOCK_DESCRIPTOR
from runtime.syscall.sealed import sealed_executable
from schemas.dataclass import dataclass

BACKLOG = 512
CONNECT_DEADLINE_S = 10.0
_POLL_S = 0.002
_ROOT = str(Path(__file__).resolve().parents[2])
_ENTRY = "runtime.supervisor.main"
# At the end of the path: nothing beside our packages may take the place of the standard library.
# No garbage collection while modules are made: a tenth of the time, and there is no garbage yet.
_PROGRAM = f"import gc, sys; gc.disable(); sys.path.append({_ROOT!r}); from {_ENTRY} import main; main()"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a project's pair is found."""

    paths: Paths
    project: str

    @property
    def folder(self) -> Path:
        """The project's run directory."""
        return self.paths.project_run(self.project)

    @property
    def lock(self) -> Path:
        """Held by the pair for life."""
        return self.paths.keeper_lock(self.project)

    @property
    def log(self) -> Path:
        """Last words of keeper and supervisor."""
        return self.folder / "keeper.log"


def connect(address: Address, *, start: bool) -> socket.socket | None:
    """Return a connection to the project's supervisor; without `start`, None when there is none.

    Raises Unavailable when a pair can neither be reached nor started, PermissionDenied.
    """
    deadline = time.monotonic() + CONNECT_DEADLINE_S
    while True:
        connection = _try_to_connect(address)
        if connection is not None or not (start or _is_locked(address)):
            return connection
        if not (start and start_pair(address)):
            # Somebody else is starting or ending a pair at this moment.
            time.sleep(_POLL_S)
        if time.monotonic() > deadline:
            raise Unavailable(
                f"the supervisor of project `{address.project}` does not answer", hint=_last_words(address)
            )


def start_pair(address: Address) -> bool:
    """Start a pair unless there is one; return whether this call started it. Does not wait for it."""
    address.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _take_lock(address)
    if lock is None:
        return False
    try:
        with _listening(address) as listener:
            _spawn(address, lock, listener.fileno())
    finally:
        os.close(lock)
    return True


def _try_to_connect(address: Address) -> socket.socket | None:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with _short_path(address) as path:
            sock.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        sock.close()
        return None
    except OSError as error:
        sock.close()
        if not isinstance(error, PermissionError):
            raise
        raise PermissionDenied(
            f"no access to the supervisor of project `{address.project}`", hint="it belongs to another user"
        ) from error
    return sock


def _is_locked(address: Address) -> bool:
    lock = _take_lock(address) if address.lock.exists() else -1
    if lock is None:
        return True
    if lock >= 0:
        os.close(lock)
    return False


def _take_lock(address: Address) -> int | None:
    """Return the locked descriptor, or None when another process holds it."""
    while True:
        descriptor = os.open(address.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        with suppress(FileNotFoundError):
            # The folder may have been removed and made anew between open and flock.
            if os.path.samestat(os.fstat(descriptor), address.lock.stat()):
                return descriptor
        os.close(descriptor)


@contextmanager
def _short_path(address: Address) -> Iterator[str]:
    """Give a path to the socket that fits into sun_path (108 bytes) however deep the folder lies."""
    folder = os.open(address.folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{address.paths.control_socket(address.project).name}"
    finally:
        os.close(folder)


@contextmanager
def _listening(address: Address) -> Iterator[socket.socket]:
    """Make the control socket. The lock is ours, so whatever lies there is a dead pair's."""
    address.paths.control_socket(address.project).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener, _short_path(address) as path:
        # Nobody else can reach it before chmod: the folder is 0700.
        listener.bind(path)
        address.paths.control_socket(address.project).chmod(0o600)
        listener.listen(BACKLOG)
        yield listener


def _spawn(address: Address, lock: int, listener: int) -> None:
    arguments = [sys.executable, "-I", "-S", "-c", _PROGRAM]
    arguments += [address.project, str(address.paths.state), str(address.paths.run)]
    with ExitStack() as opened:

        def open_above(descriptor: int) -> int:
            # Numbers above those that dup2 is going to overwrite.
            copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
            opened.callback(os.close, copy)
            return copy

        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        opened.callback(os.close, null)
        log = os.open(address.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        opened.callback(os.close, log)
        sealed = sealed_executable()
        opened.callback(os.close, sealed)
        executable, *sources = (open_above(each) for each in (sealed, null, log, log, lock, listener))
        pid = os.posix_spawn(
            f"/proc/self/fd/{executable}",
            arguments,
            _environment(),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, source, target)
                for source, target in zip(sources, (0, 1, 2, LOCK_DESCRIPTOR, LISTENER_DESCRIPTOR), strict=True)
            ],
            setsid=True,
        )
    _orphans.append(pid)


_orphans: list[int] = []
"""First processes of pairs that were started: each forks the keeper and ends within milliseconds."""


def collect_orphans() -> None:
    """Reap the first process of each pair that was started here, once it has ended; never waits."""
    for pid in list(_orphans):
        with suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                continue
        with suppress(ValueError):
            _orphans.remove(pid)


def _environment() -> dict[str, str]:
    # Nothing of the user's: secrets of a shell must not live on in a process for months.
    return {"LANG": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def _last_words(address: Address) -> str:
    try:
        words = address.log.read_text(errors="replace").strip().splitlines()
    except OSError:
        words = []
    return f"its last words: {words[-1]}" if words else f"look at `{address.log}`"
