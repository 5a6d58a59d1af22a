"""The same images built by pycompose, by docker compose and by podman (buildah), in turn, in one run.

    python benchmarks/build.py [--peer SCRIPT] [--rounds 3] [--files 5000]

Needs root and busybox-static. SCRIPT runs a command where a Docker engine and podman answer, with a folder /srv of its
own; what an empty `SCRIPT run true` costs is subtracted. Figures are medians in seconds: a build without the cache, one
that finds everything in it, one after a source file changed, and a container of the image that runs `true`. The
ratio is to the faster of the others.
"""

import argparse
import io
import os
import shlex
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.images import busybox_tar  # noqa: E402 - the path has to be set first

BASE = "bench-base"
PLACE = "/srv/pycompose-bench"
COMPOSE = "name: bench\nservices:\n  app:\n    image: bench-{name}\n    build: ./context\n"
FILES = "FROM bench-base\nCOPY src /app\nCOPY main /app/main\n"
STEPS = "FROM bench-base\n{steps}COPY main /app/main\nRUN cp /app/main /app/copy\n"
STAGES = """\
FROM bench-base AS base
RUN mkdir /out
FROM base AS front
COPY src/0 /src
RUN cat /src/* >/out/front
FROM base AS back
COPY main /main
RUN cat /main >/out/back
FROM bench-base
COPY --from=front /out /app
COPY --from=back /out /app
"""
LIMITS = "--ulimit nofile=1024:1024 --ulimit nproc=1024:1024"
"""podman asks for more than it may have in a confined environment."""
LABELS = ("cold", "cached", "changed", "run true")


class Builder:
    """One of them: how its commands are run in a shell, and how long they took."""

    def __init__(self, name: str, shell: list[str], place: str, environment: dict[str, str] | None = None) -> None:
        self.name = name
        self.place = place
        self._shell = [*shell, "sh", "-c"]
        self._environment = os.environ | (environment or {})
        self.times: dict[tuple[str, str], list[float]] = {}
        self.command = self.build = self.run_true = ""
        self._overhead_s = statistics.median(self.do("true") for _ in range(10))

    def do(self, command: str, content: bytes = b"") -> float:
        """Run a shell command; return the seconds it took. Raises SystemExit when it fails."""
        begun = time.perf_counter()
        done = subprocess.run(
            [*self._shell, command],
            input=content,
            env=self._environment,
            capture_output=True,
            timeout=600,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{self.name}: {command}: {done.returncode}\n{(done.stdout + done.stderr).decode()}")
        return time.perf_counter() - begun

    def timed(self, image: str, label: str, command: str) -> None:
        """Run a command and keep its time."""
        self.times.setdefault((image, label), []).append(self.do(command) - self._overhead_s)

    def median_s(self, image: str, label: str) -> float:
        """Return the middle of the times under a label."""
        return statistics.median(self.times[image, label])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="script that runs commands beside a Docker engine and podman")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=5000)
    options = parser.parse_args()
    dockerfiles = {
        "files": FILES,
        "steps": STEPS.format(steps="".join(f"RUN echo {number} >/step{number}\n" for number in range(8))),
        "stages": STAGES,
    }
    with tempfile.TemporaryDirectory(prefix="pycompose-bench-") as folder:
        builders = [ours(Path(folder)), *(theirs(options.peer) if options.peer else ())]
        base = busybox_tar(Path(folder)).read_bytes()
        for builder in builders:
            builder.do(builder.command, base)
        for name, dockerfile in dockerfiles.items():
            archive = context(name, dockerfile, options.files)
            for builder in builders:
                builder.do(f"rm -rf {builder.place}; mkdir -p {builder.place}; tar -xC {builder.place}", archive)
            for number in range(options.rounds):
                for builder in builders:
                    one_round(builder, name, number)
        print(text(builders, list(dockerfiles)))
        for builder in builders:
            builder.do(f"rm -rf {builder.place}")


def context(name: str, dockerfile: str, files: int) -> bytes:
    """Return the archive of a project with so many files in folders of a hundred."""
    content = {"compose.yaml": COMPOSE.format(name=name), "context/Dockerfile": dockerfile, "context/main": "main\n"}
    content |= {f"context/src/{number // 100}/{number}": f"file {number}\n" * 50 for number in range(files)}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, written in content.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.mtime = len(written), 0o644, 1_700_000_000
            archive.addfile(entry, io.BytesIO(written.encode()))
    return buffer.getvalue()


def one_round(builder: Builder, name: str, number: int) -> None:
    """Build from nothing, from everything, after a change; run it."""
    build = builder.build.format(name=name)
    builder.timed(name, "cold", f"{build.replace(' build', ' build --no-cache', 1)}")
    builder.do(build)
    builder.timed(name, "cached", build)
    builder.do(f"echo {number} {time.time()} >{builder.place}/context/main")
    builder.timed(name, "changed", build)
    builder.timed(name, "run true", builder.run_true.format(name=name))


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
    builder.command = f"{program} image import - {BASE}"
    builder.build = f"{program} -f {builder.place}/compose.yaml build"
    builder.run_true = f"{program} -f {builder.place}/compose.yaml run --rm -T app true"
    return builder


def theirs(script: str) -> list[Builder]:
    """Return docker compose and podman where the script runs them."""
    run = ["bash", script, "run"]
    docker = Builder("docker", run, f"{PLACE}-docker")
    docker.command = f"docker import - {BASE}"
    docker.build = f"docker compose -f {docker.place}/compose.yaml build"
    docker.run_true = f"docker compose -f {docker.place}/compose.yaml run --rm -T app true"
    podman = Builder("podman", run, f"{PLACE}-podman")
    podman.command = f"podman import - {BASE}"
    podman.build = f"podman build --layers {LIMITS} -t bench-{{name}} {podman.place}/context"
    podman.run_true = f"podman run --rm {LIMITS} bench-{{name}} true"
    return [docker, podman]


def text(builders: list[Builder], images: list[str]) -> str:
    """Return the figures as a table."""
    lines = [f"{'':<18}" + "".join(f"{builder.name:>12}" for builder in builders) + f"{'ratio':>8}"]
    for image in images:
        for label in LABELS:
            figures = [builder.median_s(image, label) for builder in builders]
            ratio = f"{figures[0] / min(figures[1:]):.2f}" if len(figures) > 1 else "-"
            lines.append(f"{image + ' ' + label:<18}" + "".join(f"{it:>12.2f}" for it in figures) + f"{ratio:>8}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
