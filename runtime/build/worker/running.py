"""RUN: the same launcher, with the same confinement, as a container; then what it changed is a layer.

The child that gets here has a mount namespace and a pid namespace of its own. So nothing of the step is seen outside,
and nothing of it is left when this child is killed, whenever that is.
"""

import base64
import os
import select
import signal
import stat
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from runtime.build.files.bringing import Arrival, Bringing, Selection, literal_pattern
from runtime.build.files.source import SourceTree
from runtime.build.worker import views
from runtime.build.worker.agents import start_relay
from runtime.build.worker.caches import acquire
from runtime.build.worker.copying import take_over
from runtime.build.worker.messages import BindCache, BindFiles, BindSecret, Files, Outcome, RunProgram
from runtime.build.worker.stubs import Stub, make_stubs, remove_stubs
from runtime.cgroup import group
from runtime.cgroup.control import oom_kills
from runtime.errors import StartFailed
from runtime.image.layers import LayerStore
from runtime.launch import launcher
from runtime.launch.stdio import LaunchStdio
from runtime.launch.tree import Tree
from runtime.syscall.mount import move_mount, new_filesystem
from schemas.engine.bundle import Bundle, BundleMount, Rootfs

_DEFAULT_FOLDERS = ("/proc", "/dev", "/sys")
_SCRIPT_MODE = 0o755
_SIGNALLED = 128
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def run_program(task: RunProgram, layers: LayerStore, descriptors: list[int]) -> Outcome:
    """Run a program in a stage; return its exit code, and when that is 0 the layer.

    `descriptors` are its standard output, its standard error and, if it has one, its network namespace.
    """
    place = task.place
    output, sandbox = (descriptors[0], descriptors[1]), descriptors[2] if len(descriptors) > 2 else None
    with ExitStack() as opened:
        opened.callback(group.remove, task.bundle.cgroup_path)
        mounts = _Mounts(task, opened)
        mounts.collect()
        rootfs = views.prepare(place.scratch, place.lowers)
        all_mounts = _by_depth([*task.bundle.mounts, *mounts.made])
        stubs = _make_stubs(rootfs, all_mounts)
        bundle = replace(task.bundle, rootfs=rootfs, mounts=all_mounts)
        try:
            exit_code = _run(bundle, output, sandbox)
        except StartFailed as error:
            return Outcome(exit_code=error.exit_code, failure=error.message)
        if exit_code:
            killed = oom_kills(task.bundle.cgroup_path)
            return Outcome(exit_code=exit_code, failure=f"exit code: {exit_code}, out of memory" if killed else "")
        upper = os.open(rootfs.upper, _FOLDER)
        opened.callback(os.close, upper)
        remove_stubs(upper, stubs)
    layer = take_over(place, layers)
    return Outcome(layer.diff_id, layer.size_bytes, tuple(mounts.digests))


def _run(bundle: Bundle, output: tuple[int, int], sandbox: int | None) -> int:
    stdio = LaunchStdio(None, *output)
    pending = launcher.start(bundle, stdio, sandbox_fd=sandbox)
    waiting = select.poll()
    waiting.register(pending, select.POLLIN)
    while (launched := pending.advance()) is None:
        waiting.poll()
    os.close(launched.pidfd)
    for descriptor in output:
        os.close(descriptor)
    _, status = os.waitpid(launched.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else _SIGNALLED - code


def _make_stubs(rootfs: Rootfs, mounts: tuple[BundleMount, ...]) -> list[Stub]:
    targets = [(path, True) for path in _DEFAULT_FOLDERS]
    targets += [(mount.target, mount.type == "tmpfs" or _is_folder(mount)) for mount in mounts]
    with views.writable(rootfs) as root:
        return make_stubs(root, targets)


def _is_folder(mount: BundleMount) -> bool:
    return stat.S_ISDIR(os.stat(f"{mount.source}/{mount.subpath}" if mount.subpath else mount.source).st_mode)


def _by_depth(mounts: list[BundleMount]) -> tuple[BundleMount, ...]:
    return tuple(sorted(mounts, key=lambda mount: mount.target.rstrip("/").count("/")))


class _Mounts:
    """Everything that is mounted in a step, as sources in its scratch folder."""

    def __init__(self, task: RunProgram, opened: ExitStack) -> None:
        self._task = task
        self._opened = opened
        self._folder = Path(task.place.scratch) / "mounts"
        self._count = 0
        self.made: list[BundleMount] = []
        self.digests: list[str] = []

    def collect(self) -> None:
        """Make all sources. Raises NotFound, InvalidArgument, OSError."""
        self._folder.mkdir(mode=0o700)
        for name, text in (("hosts", self._task.hosts), ("resolv.conf", self._task.resolv_conf)):
            self._bind(str(self._text(text, 0o644)), f"/etc/{name}", read_only=True)
        for script in self._task.scripts:
            source = self._text(script.content, _SCRIPT_MODE)
            self._bind(str(source), f"/dev/pipes/{script.name}", read_only=True)
        for files in self._task.files:
            self._files(files)
        for cache in self._task.caches:
            self._cache(cache)
        for secret in self._task.secrets:
            self._secret(secret)
        for each in self._task.sockets:
            path = self._new_folder() / "agent"
            self._opened.callback(os.kill, start_relay(each, path), signal.SIGKILL)
            self._bind(str(path), each.target)

    def _files(self, wanted: BindFiles) -> None:
        if wanted.files.folder:
            # As they are now, and as everybody's image would have them: a copy.
            folder = self._new_folder()
            digest, name = _copy(wanted.files, wanted.path, folder, self._task.place.scratch)
            self.digests.append(digest)
            self._bind(str(folder / name), wanted.target, read_only=wanted.read_only)
            return
        place = self._new_folder()
        if wanted.read_only:
            root = self._opened.enter_context(views.readable(wanted.files.lowers, str(place)))
        else:
            rootfs = views.prepare(f"{place}-changes", wanted.files.lowers)
            root = self._opened.enter_context(views.writable(rootfs))
        self._attach(root, place)
        subpath = SourceTree(root).locate(wanted.path).real
        self._bind(str(place), wanted.target, read_only=wanted.read_only, subpath=subpath)

    def _cache(self, cache: BindCache) -> None:
        def fill(folder: Path) -> None:
            _copy(cache.files, "/", folder, self._task.place.scratch)

        descriptor, data = acquire(cache, fill)
        self._opened.callback(os.close, descriptor)
        root = os.open(data, _FOLDER)
        self._opened.callback(os.close, root)
        subpath = SourceTree(root).locate(cache.path).real
        self._bind(str(data), cache.target, read_only=cache.read_only, subpath=subpath)

    def _secret(self, secret: BindSecret) -> None:
        place = self._new_folder()
        memory = new_filesystem("tmpfs", (("source", "tmpfs"), ("mode", "700")))
        self._opened.callback(os.close, memory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open("secret", flags, 0o600, dir_fd=memory), "wb") as file:
            file.write(base64.b64decode(secret.content))
            os.fchown(file.fileno(), secret.uid, secret.gid)
            os.fchmod(file.fileno(), secret.mode)
        self._attach(memory, place)
        self._bind(f"{place}/secret", secret.target, read_only=True)

    def _attach(self, root: int, place: Path) -> None:
        target = os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            move_mount(root, target)
        finally:
            os.close(target)

    def _text(self, content: str, mode: int) -> Path:
        path = self._new_folder() / "file"
        path.write_text(content, errors="surrogateescape")
        path.chmod(mode)
        return path

    def _new_folder(self) -> Path:
        self._count += 1
        path = self._folder / str(self._count)
        path.mkdir(mode=0o755)
        return path

    def _bind(self, source: str, target: str, *, read_only: bool = False, subpath: str = "") -> None:
        mount = BundleMount("bind", target, source, subpath, read_only=read_only)
        self.made.append(mount)


def _copy(files: Files, path: str, folder: Path, scratch: str) -> tuple[str, str]:
    """Copy something into an empty folder; return its digest, and its name in there: none for a folder's content."""
    selection = Selection((literal_pattern(path),))
    target = os.open(folder, _FOLDER)
    try:
        with views.source_tree(files, scratch) as tree:
            found = tree.locate(path)
            is_folder = next(tree.walk(found.real)).is_folder
            bringing = Bringing(target, Tree(target), Arrival("/"), owned_by_root=files.owned_by_root)
            digest = bringing.bring(tree, selection)
    finally:
        os.close(target)
    return digest, "" if is_folder else found.name
