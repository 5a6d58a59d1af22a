"""What the machine grants: asked once a session, in a process of its own.

`python -m tests.support.host` prints what is missing, one line each.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.support import kernel
from tests.support.sources import ROOT

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


@cache
def missing() -> tuple[str, ...]:
    """Return why real containers cannot be made here; empty when they can."""
    asked = subprocess.run(
        [sys.executable, "-m", "tests.support.host"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    lines = asked.stdout.split("\n")[:-1]
    return tuple(lines) if asked.returncode == 0 else (*lines, f"the preflight failed: {asked.stderr.strip()}")


def _ask() -> list[str]:
    if os.geteuid() != 0:
        return ["root: run the tests as root"]
    found = []
    if not _has_cgroups():
        found.append("cgroups: no hierarchy that can be written to is mounted")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET):
        return [*found, f"namespaces: unshare: {os.strerror(ctypes.get_errno())}"]
    libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("lower", "upper", "work", "merged"):
            Path(folder, name).mkdir()
        options = f"lowerdir={folder}/lower,upperdir={folder}/upper,workdir={folder}/work".encode()
        if libc.mount(b"overlay", f"{folder}/merged".encode(), b"overlay", 0, options):
            found.append(f"overlayfs: mount: {os.strerror(ctypes.get_errno())}")
        else:
            libc.umount2(f"{folder}/merged".encode(), 0)
    try:
        kernel.tables()
    except OSError as error:
        found.append(f"nftables: {error}")
    return found


def _has_cgroups() -> bool:
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split()
        if kind in {"cgroup", "cgroup2"} and os.access(mount, os.W_OK):
            return True
    return False


if __name__ == "__main__":
    print("".join(f"{line}\n" for line in _ask()), end="")
