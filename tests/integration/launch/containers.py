"""Containers for tests of the launcher: a busybox root, one call to run a command, its output and its end."""

import os
import select
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime.cgroup import control, group
from runtime.launch import defaults, launcher
from runtime.launch.init_layer import make_init_layer
from runtime.launch.stdio import LaunchStdio
from schemas.engine.bundle import Bundle, Rootfs
from schemas.engine.specs import ExecSpec
from tests.support.images import BUSYBOX

PASSWD = "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n1000x:x:77:77::/:/bin/sh\n"
GROUP = "root:x:0:\nbob:x:1000:\nwheel:x:10:root,bob\naudio:x:29:bob\n"
TIMEOUT_S = 20.0


def make_root(folder: Path) -> Path:
    """Make a root file system of busybox with all its applets."""
    (folder / "bin").mkdir(parents=True)
    binary = folder / "bin/busybox"
    binary.write_bytes(BUSYBOX.read_bytes())
    binary.chmod(0o755)
    for applet in subprocess.check_output([BUSYBOX, "--list"], text=True).split():
        if applet != "busybox":
            (folder / "bin" / applet).symlink_to("busybox")
    (folder / "etc").mkdir()
    (folder / "etc/passwd").write_text(PASSWD)
    (folder / "etc/group").write_text(GROUP)
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o1777)
    return folder


@dataclass(frozen=True)
class Ended:
    """What a container's process wrote, and its exit code (128 + signal)."""

    code: int
    output: str

    @property
    def lines(self) -> list[str]:
        """Return the output in lines."""
        return self.output.splitlines()


@dataclass
class Running:
    """A process that was started; `output` is the reading end of its pipe, -1 with a terminal."""

    launched: launcher.Launched
    bundle: Bundle
    output: int

    def wait(self) -> Ended:
        """Read to the end, then reap."""
        text = read_all(self.output) if self.output >= 0 else b""
        if not select.select([self.launched.pidfd], [], [], TIMEOUT_S)[0]:
            raise TimeoutError("the process did not end")
        _, status = os.waitpid(self.launched.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        return Ended(code if code >= 0 else 128 - code, text.decode(errors="replace"))

    def read_line(self) -> str:
        """Return the next line of the output."""
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([self.output], [], [], TIMEOUT_S)[0]:
                raise TimeoutError(f"no line, only {line!r}")
            byte = os.read(self.output, 1)
            if not byte:
                break
            line += byte
        return line.decode().rstrip("\n")


class Containers:
    """Makes containers of one test and removes them all."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.root = root
        self.init_layer = make_init_layer(str(folder / "init"))
        self._running: list[Running] = []
        self._paths: list[str] = []

    def layer(self, files: Mapping[str, str | bytes] | None = None, links: Mapping[str, str] | None = None) -> str:
        """Make a layer with these files and symbolic links, to lay over the busybox root."""
        folder = self.folder / f"layer-{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        for name, content in (files or {}).items():
            path = self._inside(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            path.chmod(0o755)
        for name, target in (links or {}).items():
            path = self._inside(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(target)
        return str(folder)

    @staticmethod
    def _inside(folder: Path, name: str) -> Path:
        """Join; an absolute name would replace the folder, and the machine's own files be written."""
        if ".." in name.split("/"):
            raise ValueError(f"`{name}` is not a name inside a layer")
        return folder / name.lstrip("/")

    def bundle(self, *arguments: str, layers: tuple[str, ...] = (), **settings: object) -> Bundle:
        """Return a bundle with Docker's defaults. `layers` replace the init layer on top of busybox."""
        identifier = uuid.uuid4().hex * 2
        own = self.folder / identifier[:12]
        for name in ("upper", "work"):
            (own / name).mkdir(parents=True)
        lower = (*(layers or (self.init_layer,)), str(self.root))
        values: dict[str, object] = {
            "id": identifier,
            "rootfs": Rootfs(lower, str(own / "upper"), str(own / "work"), bool(settings.pop("read_only", False))),
            "args": arguments,
            "environment": ("PATH=/bin", f"HOSTNAME={identifier[:12]}"),
            "hostname": identifier[:12],
            "cgroup_path": f"pycompose/test-launch/{identifier[:12]}",
            "capabilities": defaults.DEFAULT_CAPABILITIES,
            "masked_paths": defaults.masked_paths(),
            "read_only_paths": defaults.READ_ONLY_PATHS,
        }
        return Bundle(**(values | settings))  # type: ignore[arg-type]

    def start(self, bundle: Bundle, joined: Mapping[str, int] | None = None, stdin: int | None = None) -> Running:
        """Start a container and wait until its program runs; raises what the launcher raises."""
        self._paths.append(bundle.cgroup_path)
        return self._finish(
            bundle, lambda stdio: launcher.start(bundle, stdio, sandbox_fd=None, joined=joined), bundle.tty, stdin
        )

    def run(self, *arguments: str, layers: tuple[str, ...] = (), **settings: object) -> Ended:
        """Run a container to its end."""
        return self.start(self.bundle(*arguments, layers=layers, **settings)).wait()

    def shell(self, script: str, layers: tuple[str, ...] = (), **settings: object) -> Ended:
        """Run a shell script in a container."""
        return self.run("sh", "-c", script, layers=layers, **settings)

    def exec_in(self, container: Running, *command: str, **settings: object) -> Running:
        """Start a further process in a container."""
        spec = ExecSpec(command, **settings)  # type: ignore[arg-type]
        return self._finish(
            container.bundle,
            lambda stdio: launcher.start_exec(container.bundle, spec, container.launched.pidfd, stdio),
            spec.tty,
            None,
        )

    def keep(self, path: str) -> None:
        """Remember a group to kill and remove, for a start that does not go through here."""
        self._paths.append(path)

    def close(self) -> None:
        """Kill and remove everything."""
        for path in self._paths:
            if path:
                control.kill(path)
        for running in reversed(self._running):  # a container does not end before what was started in it is reaped
            try:
                os.kill(running.launched.pid, 9)
                os.waitpid(running.launched.pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
            for descriptor in (running.launched.pidfd, running.launched.pty_fd, running.output):
                if descriptor is not None and descriptor >= 0:
                    os.close(descriptor)
        for path in self._paths:
            if path:
                group.remove(path)

    def _finish(self, bundle: Bundle, start, tty: bool, stdin: int | None) -> Running:
        reading, writing = os.pipe()
        try:
            pending = start(LaunchStdio(stdin, writing, writing))
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        if tty:
            os.close(reading)
            reading = -1
        try:
            launched = wait_for(pending)
        except BaseException:
            if reading >= 0:
                os.close(reading)
            raise
        running = Running(launched, bundle, reading)
        self._running.append(running)
        return running


def wait_for(pending: launcher.PendingLaunch) -> launcher.Launched:
    """Wait for a launch to end well or badly."""
    while True:
        if not select.select([pending], [], [], TIMEOUT_S)[0]:
            pending.cancel()
            raise TimeoutError("the launch did not end")
        launched = pending.advance()
        if launched is not None:
            return launched


def read_all(descriptor: int) -> bytes:
    """Read to the end of a pipe or a terminal."""
    chunks = []
    while select.select([descriptor], [], [], TIMEOUT_S)[0]:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # a terminal whose last user is gone
            break
        if not chunk:
            break
        chunks.append(chunk)
    return b"".join(chunks)
