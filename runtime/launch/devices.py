"""Device nodes in the container: Docker's six, the user's, or all of the host's when privileged."""

import os
import stat
from collections.abc import Iterator

from runtime.cgroup.devices import device_nodes
from runtime.errors import StartFailed
from runtime.launch.defaults import DEVICE_LINKS, DEVICE_NODES
from runtime.launch.operations import FSOperation, MakeNode
from runtime.launch.tree import Tree
from schemas.dataclass import dataclass
from schemas.engine.bundle import Bundle
from schemas.engine.specs import Device

_WORLD = 0o666
# Folders and files of the host's /dev that are no devices, or the host's own terminals (runc, devices.GetDevices).
_NOT_COPIED = frozenset(("pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console", "ptmx"))


@dataclass(frozen=True, slots=True)
class FurnishDev:
    """Docker's nodes and links in the fresh /dev, made through one descriptor."""

    target: str = "/dev"

    def describe(self) -> str:
        """Return the step in one line."""
        return "make the default device nodes"

    def execute(self, tree: Tree) -> None:
        """Do the step."""
        dev = tree.open("/dev", os.O_PATH | os.O_DIRECTORY, links=False)
        for name, major, minor in DEVICE_NODES:
            os.mknod(name, stat.S_IFCHR | _WORLD, os.makedev(major, minor), dir_fd=dev)
        for name, points_to in DEVICE_LINKS:
            if name != "core" or os.path.exists(points_to):  # a kernel may be without /proc/kcore
                os.symlink(points_to, name, dir_fd=dev)
        os.close(dev)


def operations(bundle: Bundle) -> Iterator[FSOperation]:
    """Yield what is made in /dev and the user's devices. Raises StartFailed for one that the host has not."""
    yield FurnishDev()
    wanted: dict[str, MakeNode] = {}
    if bundle.privileged:
        present = {f"/dev/{name}" for name, _, _ in DEVICE_NODES} | {f"/dev/{name}" for name, _ in DEVICE_LINKS}
        wanted = {path: _node(path, path) for path in host_devices() if path not in present}
    for device in bundle.devices:
        for node in _user_nodes(device):
            wanted[node.target] = node
    yield from wanted.values()


def host_devices(folder: str = "/dev") -> Iterator[str]:
    """Yield every device node of the host below /dev, but its terminals' and what is mounted there."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name in _NOT_COPIED or entry.is_symlink():
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from host_devices(entry.path)
        else:
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
                yield entry.path


def _user_nodes(device: Device) -> Iterator[MakeNode]:
    target = device.target or device.source
    for path in device_nodes(device.source):
        yield _node(path, target + path.removeprefix(device.source) if path != device.source else target)


def _node(source: str, target: str) -> MakeNode:
    try:
        status = os.stat(source)  # a link on the host, like /dev/cdrom, stands for the device it names
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise StartFailed(f"error gathering device information of `{source}`: {reason}", exit_code=128) from error
    if not (stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)):
        raise StartFailed(f"`{source}` is not a device node", exit_code=128)
    return MakeNode(target, status.st_mode, status.st_rdev, status.st_uid, status.st_gid)
