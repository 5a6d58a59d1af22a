"""The SQLite file: opening, schema, transactions.

WAL lets readers never wait for a writer. Every change runs in one IMMEDIATE transaction, so that an
address or a port is allocated once and a SIGKILL leaves either all of a change or nothing of it.
synchronous=NORMAL: after a power cut the last transactions may be missing, never half there; the
kernel objects they spoke of are gone then too.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runtime.errors import PermissionDenied, ResourceExhausted, Unsupported
from runtime.state.schema import MIGRATIONS, SCHEMA, VERSION

BUSY_TIMEOUT_S = 30.0
_ROOM_BYTES = 64 << 10
"""What the files beside the state take while it is open (WAL)."""

_WITHOUT_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY})


class StateUnwritable(ResourceExhausted, sqlite3.OperationalError):
    """The state cannot be written. Who must not live on with an old state may catch it as SQLite's."""


class Database:
    """One file, a connection per thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        # Threads take turns here: SQLite lets those it turns away sleep, ever longer, up to 100 ms.
        self._turn = threading.Lock()

    @property
    def exists(self) -> bool:
        """Whether anything was ever stored here."""
        return self._path.exists()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Change several rows, all or none. Nested use joins the outer transaction."""
        connection = self._connection()
        if connection.in_transaction:
            yield connection
            return
        with self._turn:
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                _roll_back(connection)
                if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in _WITHOUT_ROOM:
                    raise StateUnwritable(
                        f"cannot write the state `{self._path}`: {error}", hint="is there room on the disk?"
                    ) from error
                raise

    def read(self) -> sqlite3.Connection:
        """Return a connection to select from; each statement sees one moment."""
        return self._connection()

    def close(self) -> None:
        """Close every thread's connection. Call when no other thread uses them."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._open()
            with self._lock:
                self._connections.append(connection)
        return connection

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(mode=0o710, parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA synchronous=NORMAL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        except (OSError, sqlite3.OperationalError) as error:
            raise _unusable(self._path, error) from error
        if version == 0:
            _create(connection, self._path)
        elif version < VERSION:
            _migrate(connection)
        elif version > VERSION:
            connection.close()
            raise Unsupported(
                f"the state in `{self._path}` is of version {version}, this pycompose knows version {VERSION}",
                hint="use the pycompose that wrote it, or set PYCOMPOSE_ROOT to another directory",
            )
        return connection


def _roll_back(connection: sqlite3.Connection) -> None:
    # A COMMIT that fails for want of space may leave the transaction open; later ones would join it.
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _create(connection: sqlite3.Connection, path: Path) -> None:
    # Environments and secrets stand in it. What SQLite puts beside it gets the same mode.
    path.chmod(0o600)
    # Two that change the journal's mode at once deadlock, and SQLite turns one of them away without a wait.
    with _alone_in(path.parent):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        # Another one may have won the race to here.
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in SCHEMA:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    # Not on the file itself: to close a second descriptor of it would give up SQLite's own locks.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring an older state to this version, all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for next_version in range(version + 1, VERSION + 1):
            for statement in MIGRATIONS[next_version]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        connection.close()
        raise


def _unusable(path: Path, error: Exception) -> Exception:
    if os.geteuid() != 0 and not os.access(path.parent if path.parent.exists() else path.parent.parent, os.W_OK):
        return PermissionDenied(f"cannot write the state directory `{path.parent}`", hint="run pycompose as root")
    if _is_full(path.parent):  # SQLite calls it an I/O error
        return ResourceExhausted(
            f"cannot open the state `{path}`: no space is left on the disk",
            hint=f"it takes {_ROOM_BYTES >> 10} KiB, also for removing images",
        )
    return Unsupported(f"cannot open the state `{path}`: {error}")


def _is_full(folder: Path) -> bool:
    with suppress(OSError):
        figures = os.statvfs(folder)
        return figures.f_bavail * figures.f_frsize < _ROOM_BYTES
    return False
