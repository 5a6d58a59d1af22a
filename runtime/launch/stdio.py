"""Where a started process reads and writes."""

from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class LaunchStdio:
    """Descriptors of the caller's, which stay its own; None is /dev/null. Not used with a terminal."""

    stdin_fd: int | None = None
    stdout_fd: int | None = None
    stderr_fd: int | None = None
