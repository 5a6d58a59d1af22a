"""Resource limits of the process: `ulimits` and the score of the out-of-memory killer."""

import os
import resource
from collections.abc import Sequence

from runtime.errors import InvalidArgument, StartFailed

# setrlimit(2); Python has no constant for the lock limit, which Linux ignores.
_LIMITS = {
    "as": resource.RLIMIT_AS,
    "core": resource.RLIMIT_CORE,
    "cpu": resource.RLIMIT_CPU,
    "data": resource.RLIMIT_DATA,
    "fsize": resource.RLIMIT_FSIZE,
    "locks": 10,
    "memlock": resource.RLIMIT_MEMLOCK,
    "msgqueue": resource.RLIMIT_MSGQUEUE,
    "nice": resource.RLIMIT_NICE,
    "nofile": resource.RLIMIT_NOFILE,
    "nproc": resource.RLIMIT_NPROC,
    "rss": resource.RLIMIT_RSS,
    "rtprio": resource.RLIMIT_RTPRIO,
    "rttime": resource.RLIMIT_RTTIME,
    "sigpending": resource.RLIMIT_SIGPENDING,
    "stack": resource.RLIMIT_STACK,
}


def apply_rlimits(rlimits: Sequence[tuple[str, int, int]]) -> None:
    """Set (name, soft, hard) limits, -1 for none. Raises InvalidArgument, StartFailed."""
    for name, soft, hard in rlimits:
        if name not in _LIMITS:
            raise InvalidArgument(f"invalid ulimit type `{name}`")
        try:
            resource.setrlimit(_LIMITS[name], (_value(soft), _value(hard)))
        except (OSError, ValueError) as error:
            raise StartFailed(f"cannot set ulimit `{name}` to {soft}:{hard}: {error}", exit_code=128) from error


def oom_score() -> int:
    """Return our own oom_score_adj, which a child inherits."""
    with open("/proc/self/oom_score_adj", "rb", buffering=0) as file:
        return int(file.read())


def set_oom_score(adjustment: int, inherited: int) -> None:
    """Write our own oom_score_adj, -1000 to 1000; below the inherited one it takes CAP_SYS_RESOURCE."""
    if adjustment == inherited:
        return
    descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, str(adjustment).encode())
    except OSError as error:
        raise StartFailed(f"cannot set oom_score_adj to {adjustment}: {error.strerror}", exit_code=128) from error
    finally:
        os.close(descriptor)


def _value(limit: int) -> int:
    return resource.RLIM_INFINITY if limit < 0 else limit
