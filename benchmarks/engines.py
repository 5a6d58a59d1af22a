"""The two engines that benchmarks measure: pycompose, and docker compose where a script runs it."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.images import busybox_tar

ROOT = Path(__file__).resolve().parents[1]
PROJECT = "bench"


@dataclass
class Engine:
    """One of the two: how its commands are run, and what it costs in memory."""

    name: str
    compose: list[str]
    project_file: Callable[[str], str]
    """Writes the text of a project; returns the path that the commands know it by."""
    memory_mb: Callable[[], float]
    environment: dict[str, str] = field(default_factory=dict)
    overhead_s: float = 0.0
    path: str = ""
    times: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def timed(self, label: str, size: int, *arguments: str) -> None:
        """Run a command and keep its time under a label."""
        begun = time.perf_counter()
        self.run(*arguments)
        self.times.setdefault((label, size), []).append(time.perf_counter() - begun - self.overhead_s)

    def run(self, *arguments: str) -> None:
        """Run a command of the project; raise when it fails."""
        command = [*self.compose, "-p", PROJECT, "-f", self.path, *arguments]
        done = subprocess.run(
            command,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")


def ours(folder: Path) -> Engine:
    """Return pycompose with a state of its own and the image in it."""
    environment = {"PYCOMPOSE_ROOT": f"{folder}/state", "PYCOMPOSE_RUN": f"{folder}/run", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "compose"]
    environment["PYTHONDONTWRITEBYTECODE"] = ""  # the normal case: byte code of the last start is there
    imported = subprocess.run(
        [*command, "image", "import", busybox_tar(folder), "busybox:latest"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if imported.returncode:
        raise SystemExit(f"the image cannot be imported: {imported.stderr}")

    def write(content: str) -> str:
        path = folder / "compose.yaml"
        path.write_text(content)
        return str(path)

    def memory_mb() -> float:
        return pss_mb(lambda pid, name: name.startswith("pycompose") and mentions(pid, f"{folder}/run"))

    return Engine("pycompose", command, write, memory_mb, environment)


def docker(script: str) -> Engine:
    """Return docker compose where the script runs it."""
    run = ["bash", script, "run"]
    imports = "docker image inspect busybox >/dev/null 2>&1 || docker import /srv/busybox.tar busybox"
    subprocess.run([*run, "sh", "-c", imports], check=True, timeout=60, capture_output=True)
    empty = []
    for _ in range(15):
        begun = time.perf_counter()
        subprocess.run([*run, "true"], check=True, timeout=10)
        empty.append(time.perf_counter() - begun)

    def write(content: str) -> str:
        subprocess.run(
            [*run, "sh", "-c", "cat >/srv/pycompose-bench.yaml"], input=content, text=True, check=True, timeout=10
        )
        return "/srv/pycompose-bench.yaml"

    def memory_mb() -> float:
        names = ("dockerd", "containerd", "docker-proxy")
        return pss_mb(lambda _, name: name.startswith(names))

    return Engine("docker", [*run, "docker", "compose"], write, memory_mb, overhead_s=statistics.median(empty))


def pss_mb(counts: Callable[[int, str], bool]) -> float:
    """Return the proportional set size of the processes that count, in MB of 2^20 bytes."""
    total_kib = 0
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdecimal() or not counts(int(entry.name), (entry / "comm").read_text().strip()):
                continue
            lines = (entry / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total_kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total_kib / 1024


def mentions(pid: int, word: str) -> bool:
    """Whether a process has a word on its command line."""
    return word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
