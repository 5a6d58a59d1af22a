"""What a test may leave behind: nothing. Looks before and after, names the difference, removes it.

Processes and mounts are a test's own when they mention its state or run directory, or descend from
the test session. Links, nftables tables and control groups bear no such mark: whatever was not there
before counts under PYCOMPOSE_REQUIRE=1, where the machine is the session's own. Otherwise only what their
names or processes show to be the test's: two sessions on one machine must not see each other.
"""

import os
import signal
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import kernel

SETTLE_S = 3.0
"""How long the kernel and dying processes get: namespaces are torn down in the background."""


@dataclass(frozen=True)
class Snapshot:
    """What there is at one moment."""

    processes: frozenset[int]
    namespaces: frozenset[int]
    mounts: frozenset[str]
    links: dict[str, int] = field(hash=False)
    tables: dict[str, int] = field(hash=False)
    cgroups: frozenset[Path] = frozenset()


class LeakCheck:
    """Watches one test, whose directories are `state` and `run`."""

    def __init__(self, state: Path, run: Path) -> None:
        self._directories = (state, run)
        self._run = run
        self._tag = tag(state)
        self._before = self._look()

    def leaks(self) -> list[str]:
        """Return what was left, a line each; waits for what is about to go."""
        deadline = time.monotonic() + SETTLE_S
        while (found := self._compare(self._look())) and time.monotonic() < deadline:
            _reap()
            time.sleep(0.05)
        return found

    def remove(self) -> None:
        """Remove what was left, by its id."""
        for pid in self._look().processes - self._before.processes:
            _quietly(lambda pid=pid: os.kill(pid, signal.SIGKILL))
        time.sleep(0.1)
        _reap()
        now = self._look()
        for name in now.links.keys() - self._before.links.keys():
            _quietly(lambda name=name: kernel.delete_link(now.links[name]))
        for name in now.tables.keys() - self._before.tables.keys():
            _quietly(lambda name=name: kernel.delete_table(name, now.tables[name]))
        for path in sorted(now.cgroups - self._before.cgroups, key=lambda path: -len(path.parts)):
            _quietly(path.rmdir)

    def _look(self) -> Snapshot:
        own = kernel.descendants(os.getpid())
        needles = [str(directory).encode() for directory in self._directories]
        marked = {pid for pid in kernel.processes() if any(kernel.mentions(pid, needle) for needle in needles)}
        pids = (own | marked) - {os.getpid()}
        held = set().union(*(kernel.network_namespaces(pid) for pid in (*pids, "self")))
        return Snapshot(
            frozenset(pid for pid in pids if not _is_zombie(pid)),
            frozenset(held),
            frozenset(line for line in _mounts() if any(str(directory) in line for directory in self._directories)),
            {name: index for name, index in kernel.links().items() if self._is_own_link(name)},
            {name: family for name, family in kernel.tables().items() if self._is_own_table(name)},
            frozenset(path for path in kernel.cgroups() if not _shared() or _members(path) & pids),
        )

    def _is_own_link(self, name: str) -> bool:
        """A bridge says in its alias whose it is; the end of a veth pair is gone with its sandbox or its bridge."""
        if _shared():
            return kernel.alias(name).startswith(f"pycompose {self._tag} ")
        return name.startswith(("pc-", "pv"))

    def _is_own_table(self, name: str) -> bool:
        return name.startswith(f"pycompose_{self._tag}_" if _shared() else "pycompose_")

    def _compare(self, now: Snapshot) -> list[str]:
        before = self._before
        gone = [f"process {pid}: {kernel.command_line(pid)}" for pid in sorted(now.processes - before.processes)]
        gone += [f"network namespace {inode}" for inode in sorted(now.namespaces - before.namespaces)]
        gone += [f"mount {line}" for line in sorted(now.mounts - before.mounts)]
        gone += [f"link {name}" for name in sorted(now.links.keys() - before.links.keys())]
        gone += [f"nftables table {name}" for name in sorted(now.tables.keys() - before.tables.keys())]
        gone += [f"control group {path}" for path in sorted(now.cgroups - before.cgroups)]
        gone += [f"file {path}" for path in sorted(self._run.rglob("*")) if not path.is_dir() and path.name != "lock"]
        return gone


def _shared() -> bool:
    return os.environ.get("PYCOMPOSE_REQUIRE") != "1"


def tag(state: Path) -> str:
    """Return what names of links and tables carry of the state directory."""
    return f"{zlib.crc32(bytes(state)) & 0xFFFFFF:06x}"


def _members(cgroup: Path) -> set[int]:
    try:
        return {int(pid) for pid in (cgroup / "cgroup.procs").read_text().split()}
    except OSError:
        return set()


def _mounts() -> list[str]:
    """Return mount points with their types; ids change, so they are left out."""
    lines = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        lines.append(f"{left.split()[4]} ({right})")
    return lines


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _reap() -> None:
    """Take the exit status of orphans that came to this process, the subreaper."""
    for pid in kernel.descendants(os.getpid()):
        if _is_zombie(pid):
            _quietly(lambda pid=pid: os.waitpid(pid, os.WNOHANG))


def _quietly(action: Callable[[], object]) -> None:
    try:
        action()
    except OSError:
        return
