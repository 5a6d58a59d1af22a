"""What builds images, and is measured: pycompose, docker compose, podman, buildah. None leaves anything behind."""

import os
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[1]
PLACE = "/srv/pycompose-bench"
PROJECT = "bench"
LIMITS = "--ulimit nofile=1024:1024 --ulimit nproc=1024:1024"
"""podman and buildah ask for more than they may have in a confined environment."""
MARK = "pycompose.benchmark"
"""A label: what has it and no name is removed at the end."""


class Builder:
    """One of them: its commands, which a shell runs, and how long they took. At its end what it made is removed."""

    importing = ""
    """Makes an image of the root file system on standard input; `{name}` is the image, here and below."""
    build = ""
    run_true = ""
    """Empty for one that builds only."""
    clean = ""

    def __init__(self, name: str, shell: list[str], place: str, environment: dict[str, str] | None = None) -> None:
        self.name = name
        self.place = place
        self._shell = [*shell, "sh", "-c"]
        self._environment = os.environ | (environment or {})
        self.times: dict[tuple[str, str], list[float]] = {}

    def __enter__(self) -> "Builder":
        times = [self.timed_s("true") for _ in range(10)]
        self._overhead_s = statistics.median(times)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(f"{self.clean}; rm -rf {self.place}")

    def output(self, command: str, content: bytes = b"") -> bytes:
        """Run a shell command; return what it wrote. Raises SystemExit when it fails."""
        done = self._run(command, content)
        if done.returncode:
            raise SystemExit(f"{self.name}: {command}: {done.returncode}\n{(done.stdout + done.stderr).decode()}")
        return done.stdout

    def timed_s(self, command: str) -> float:
        """Run a shell command; return the seconds it took."""
        begun = time.perf_counter()
        self.output(command)
        return time.perf_counter() - begun

    def measure(self, image: str, label: str, command: str) -> None:
        """Run a command and keep its time, less what an empty one takes."""
        self.times.setdefault((image, label), []).append(self.timed_s(command) - self._overhead_s)

    def median_s(self, image: str, label: str) -> float | None:
        """Return the middle of the times under a label, None where there are none."""
        times = self.times.get((image, label))
        return statistics.median(times) if times else None

    def _run(self, command: str, content: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [*self._shell, command],
            input=content,
            env=self._environment,
            capture_output=True,
            timeout=600,
            check=False,
        )


def ours(folder: Path) -> Builder:
    """Return pycompose with a state of its own."""
    environment = {
        "PYCOMPOSE_ROOT": f"{folder}/state",
        "PYCOMPOSE_RUN": f"{folder}/run",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "",
    }
    builder = Builder("pycompose", [], f"{folder}/project", environment)
    program = f"{shlex.quote(sys.executable)} -P -m compose"
    compose = f"{program} -f {builder.place}/compose.yaml"
    builder.importing = f"{program} image import - {{name}}"
    builder.build = f"{compose} build"
    builder.run_true = f"{compose} run --rm -T app true"
    builder.clean = f"{compose} down -t 0 --remove-orphans"
    return builder


def theirs(script: str) -> list[Builder]:
    """Return docker compose, podman and buildah where the script runs them."""
    run = ["bash", script, "run"]
    docker = Builder("docker", run, f"{PLACE}-docker")
    compose = f"docker compose -f {docker.place}/compose.yaml"
    docker.importing = "docker import - {name}"
    docker.build = f"{compose} build"
    docker.run_true = f"{compose} run --rm -T app true"
    docker.clean = (
        f"{compose} down -t 0 --remove-orphans; "
        "docker image ls -q --filter reference='bench-*' | xargs -r docker rmi -f; "
        f"docker image prune -f --filter label=com.docker.compose.project={PROJECT}"
    )
    podman = _buildah("podman", run, "podman build")
    podman.run_true = f"podman run --rm {LIMITS} {{name}} true"
    return [docker, podman, _buildah("buildah", run, "buildah build")]


def _buildah(name: str, run: list[str], command: str) -> Builder:
    """Both are the same library, and have one store."""
    builder = Builder(name, run, f"{PLACE}-{name}")
    builder.importing = f"podman import --change 'LABEL {MARK}=' - {{name}}"
    builder.build = (
        f"{command} --layers --label {MARK}= --layer-label {MARK}= {LIMITS} -t {{name}} {builder.place}/context"
    )
    builder.clean = (
        "podman images -q --filter reference='localhost/bench-*' | xargs -r podman rmi -f; "
        f"podman image prune -f --filter label={MARK}"
    )
    return builder
