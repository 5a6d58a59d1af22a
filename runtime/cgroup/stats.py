"""What a group uses: processor time, memory, processes, block io."""

from dataclasses import dataclass

from runtime.cgroup import files
from runtime.cgroup.hierarchy import Hierarchies, detect
from runtime.errors import NotFound, Unsupported

_NO_LIMIT = 1 << 60


@dataclass(frozen=True, slots=True)
class Usage:
    """Counters of one moment; `memory_bytes` is without the page cache that can go at once, as Docker counts."""

    cpu_ns: int
    memory_bytes: int
    memory_limit_bytes: int
    """0 without a limit."""
    processes: int
    read_bytes: int
    written_bytes: int


def usage(path: str) -> Usage:
    """Read a group's counters; raises NotFound when it is gone, Unsupported without a controller."""
    hierarchies = detect()
    try:
        return _legacy(hierarchies, path) if hierarchies.version == 1 else _unified(hierarchies, path)
    except (FileNotFoundError, OSError) as error:
        raise NotFound(f"no cgroup `{path}`") from error


def _legacy(hierarchies: Hierarchies, path: str) -> Usage:
    memory = hierarchies.folder(path, "memory")
    cache = files.keyed(files.read(memory, "memory.stat"), "total_inactive_file") or 0
    limit = int(files.read(memory, "memory.limit_in_bytes"))
    lines = files.read(hierarchies.folder(path, "blkio"), "blkio.throttle.io_service_bytes_recursive").splitlines()
    fields = [line.split() for line in lines]
    return Usage(
        cpu_ns=int(files.read(hierarchies.folder(path, "cpuacct"), "cpuacct.usage")),
        memory_bytes=max(0, int(files.read(memory, "memory.usage_in_bytes")) - cache),
        memory_limit_bytes=limit if limit < _NO_LIMIT else 0,
        processes=int(files.read(hierarchies.folder(path, "pids"), "pids.current")),
        read_bytes=sum(int(field[2]) for field in fields if len(field) == 3 and field[1] == "Read"),
        written_bytes=sum(int(field[2]) for field in fields if len(field) == 3 and field[1] == "Write"),
    )


def _unified(hierarchies: Hierarchies, path: str) -> Usage:
    if not hierarchies.unified:
        raise Unsupported("no cgroup hierarchy is mounted")
    folder = f"{hierarchies.unified}/{path}"
    cache = files.keyed(files.read(folder, "memory.stat"), "inactive_file") or 0
    limit = files.read(folder, "memory.max").strip()
    traffic = files.read(folder, "io.stat").split()
    return Usage(
        cpu_ns=1000 * (files.keyed(files.read(folder, "cpu.stat"), "usage_usec") or 0),
        memory_bytes=max(0, int(files.read(folder, "memory.current")) - cache),
        memory_limit_bytes=0 if limit == "max" else int(limit),
        processes=int(files.read(folder, "pids.current")),
        read_bytes=sum(int(word[7:]) for word in traffic if word.startswith("rbytes=")),
        written_bytes=sum(int(word[7:]) for word in traffic if word.startswith("wbytes=")),
    )
