"""Finding the cgroup trees of a machine."""

import pytest

from runtime.cgroup.hierarchy import check_path, parse_mountinfo
from runtime.errors import EngineError

HYBRID = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""


def test_a_hybrid_machine_must_have_both_kinds():
    """Limits are in the version 1 trees; killing and pausing in the version 2 one, so the freezer is not joined."""
    found = parse_mountinfo(HYBRID)
    assert found.version == 1
    assert found.unified == "/sys/fs/cgroup/unified"
    assert [tree.controllers for tree in found.legacy] == [("cpu", "cpuacct"), ("memory",)]
    assert found.folder("a/b", "cpuacct") == "/sys/fs/cgroup/cpu,cpuacct/a/b"


def test_version_1_alone_must_join_the_freezer():
    """Without a version 2 tree the freezer is what pauses and kills."""
    found = parse_mountinfo(HYBRID.replace("cgroup2", "tmpfs"))
    assert found.unified == ""
    assert ("freezer",) in [tree.controllers for tree in found.legacy]


def test_version_2_alone_must_have_one_folder():
    """Every controller is in the one tree."""
    found = parse_mountinfo("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n")
    assert (found.version, found.folder("a", "memory")) == (2, "/sys/fs/cgroup/a")
    assert found.folders("a") == ["/sys/fs/cgroup/a"]


def test_a_missing_controller_must_be_named():
    """A limit that needs it cannot be kept silently."""
    with pytest.raises(EngineError, match="`pids`"):
        parse_mountinfo(HYBRID).folder("a", "pids")


def test_a_tree_mounted_twice_must_count_once():
    """Bind mounts of a tree elsewhere do not make containers join it twice."""
    twice = HYBRID + "50 1 0:32 / /mnt/memory\\040two rw - cgroup cgroup rw,memory\n"
    assert len(parse_mountinfo(twice).legacy) == 2


@pytest.mark.parametrize("path", ["", "/a", "a/", "..", "a/../b", "a//b", ".", "a\0b"])
def test_a_path_that_could_leave_must_be_refused(path: str):
    """Only plain names below the root."""
    with pytest.raises(EngineError):
        check_path(path)
