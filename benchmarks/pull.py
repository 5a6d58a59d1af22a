"""Pulling an image of 300 MiB from a registry on loopback and starting it, here and with Docker, in turn.

    python benchmarks/pull.py [--peer SCRIPT] [--rounds 3] [--files 400]

Needs root and docker-registry. The registry runs in the network namespace of the Docker engine, and pycompose too, so
that both reach it the same way. Half of the content compresses, half does not; `gunzip` is what
zlib alone needs for the layers, one after the other: the least that one processor can do. The container has no network
and runs `true`; what an empty `SCRIPT run true` costs is subtracted.
"""

import argparse
import io
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from runtime.syscall.constants import CLONE_NEWNET  # noqa: E402 - the path has to be set first
from runtime.syscall.namespace import setns  # noqa: E402 - likewise
from tests.support import registry  # noqa: E402 - likewise
from tests.support.images import busybox_tar  # noqa: E402 - likewise
from tests.support.registry import RegistryServer  # noqa: E402 - likewise

LAYERS = 8
TOTAL_BYTES = 300 << 20
PLACE = "/srv/pycompose-bench-pull"
PROJECT = "name: bench-pull\nservices:\n  app:\n    image: {reference}\n    network_mode: none\n"
RUN = ("run", "--rm", "-T", "app", "true")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="script that runs commands beside a Docker engine")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=400, help="files of each layer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pycompose-bench-") as text, _beside(options.peer):
        folder = Path(text)
        image = registry.image(
            busybox_tar(folder).read_bytes(), *(_layer(number, options.files) for number in range(LAYERS))
        )
        packed = sum(len(layer.content) for layer in image.layers)
        print(f"{LAYERS} layers, {TOTAL_BYTES >> 20} MiB, {packed >> 20} MiB packed, {options.files * LAYERS} files")
        print(f"{'gunzip':<24}{_gunzip_s(image):8.2f} s")
        with RegistryServer(folder / "registry") as server:
            registry.put(server.host, "bench/pull", "1", image)
            reference = f"{server.host}/bench/pull:1"
            timed: dict[str, list[tuple[float, float, float]]] = {"pycompose": [], "docker": []}
            for number in range(options.rounds):
                timed["pycompose"].append(_ours(folder / f"state-{number}", reference))
                if options.peer:
                    timed["docker"].append(_docker(options.peer, reference))
    for name, costs in timed.items():
        if costs:
            wall, processor, started = (statistics.median(each) for each in zip(*costs, strict=True))
            print(f"{name:<24}{wall:8.2f} s {processor:8.2f} s of processor time {started:8.2f} s until `true` has run")
    return 0


@contextmanager
def _beside(peer: str | None) -> Iterator[None]:
    """Enter the network namespace of the Docker engine: `/proc/<pid>/ns/net` of a process that the peer runs."""
    if peer is None:
        yield
        return
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/proc/{_dockerd(peer)}/ns/net", os.O_RDONLY)
    setns(there, CLONE_NEWNET)
    try:
        yield
    finally:
        setns(own, CLONE_NEWNET)


def _layer(number: int, files: int) -> bytes:
    size = TOTAL_BYTES // LAYERS // files
    words = [f"word-{each} ".encode() for each in range(1000)]
    source = random.Random(number)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for each in range(files):
            text = b"".join(source.choices(words, k=size // 2 // 9))[: size // 2]
            content = text + source.randbytes(size - len(text))
            member = tarfile.TarInfo(f"layer{number}/folder{each % 20}/file{each}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _gunzip_s(image: registry.RemoteImage) -> float:
    begun = time.perf_counter()
    for layer in image.layers:
        zlib.decompress(layer.content, wbits=31)
    return time.perf_counter() - begun


def _dockerd(peer: str) -> int:
    asked = subprocess.run([peer, "run", "pidof", "dockerd"], capture_output=True, text=True, check=True)
    return int(asked.stdout.split()[0])


def _ours(state: Path, reference: str) -> tuple[float, float, float]:
    """Return seconds by the clock and of processors, and those that a container takes."""
    environment = {"PYCOMPOSE_ROOT": str(state), "PYCOMPOSE_RUN": str(state / "run"), "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-P", "-m", "compose"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = _timed_s([*program, "image", "pull", "-q", reference], environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    project = state / "compose.yaml"
    project.write_text(PROJECT.format(reference=reference))
    started_s = _timed_s([*program, "-f", str(project), *RUN], environment)
    shutil.rmtree(state)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, started_s


def _docker(peer: str, reference: str) -> tuple[float, float, float]:
    """Return seconds by the clock and of processors: those of the engine and of what it starts; and a container's."""
    engine = _dockerd(peer)
    overhead_s = statistics.median(_timed_s([peer, "run", "true"]) for _ in range(5))
    write = f"mkdir -p {PLACE}; cat >{PLACE}/compose.yaml"
    subprocess.run([peer, "run", "sh", "-c", write], input=PROJECT.format(reference=reference).encode(), check=True)
    before = _processor_s(engine)
    try:
        seconds = _timed_s([peer, "run", "docker", "pull", "-q", reference]) - overhead_s
        after = _processor_s(engine)
        compose = [peer, "run", "docker", "compose", "-f", f"{PLACE}/compose.yaml"]
        started_s = _timed_s([*compose, *RUN]) - overhead_s
    finally:
        remove = (
            f"docker compose -f {PLACE}/compose.yaml down -t 0 --remove-orphans; docker rmi {reference}; rm -r {PLACE}"
        )
        subprocess.run([peer, "run", "sh", "-c", remove], capture_output=True, check=False)
    return seconds, after - before, started_s


def _timed_s(command: list[str], environment: dict[str, str] | None = None) -> float:
    begun = time.perf_counter()
    subprocess.run(command, env=os.environ | (environment or {}), capture_output=True, check=True)
    return time.perf_counter() - begun


def _processor_s(pid: int) -> float:
    """Return what a process and its former children used (proc(5), fields 14 to 17 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
