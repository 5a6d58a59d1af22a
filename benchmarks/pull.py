"""Pulling and unpacking an image of 300 MiB and 8 layers from a registry on loopback, here and with Docker, in turn.

    python benchmarks/pull.py [--peer SCRIPT] [--rounds 3] [--files 400]

Needs root and docker-registry. The registry runs in the network namespace of the Docker engine, and pycompose too, so
that both reach it the same way. Half of the content compresses, half does not; `gunzip` is what
zlib alone needs for the layers, one after the other: the least that one processor can do.
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
from tests.support.registry import RegistryServer  # noqa: E402 - likewise

LAYERS = 8
TOTAL_BYTES = 300 << 20


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="script that runs commands beside a Docker engine")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=400, help="files of each layer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pycompose-bench-") as text, _beside(options.peer):
        folder = Path(text)
        image = registry.image(*(_layer(number, options.files) for number in range(LAYERS)))
        packed = sum(len(layer.content) for layer in image.layers)
        print(f"{LAYERS} layers, {TOTAL_BYTES >> 20} MiB, {packed >> 20} MiB packed, {options.files * LAYERS} files")
        print(f"{'gunzip':<24}{_gunzip_s(image):8.2f} s")
        with RegistryServer(folder / "registry") as server:
            registry.put(server.host, "bench/pull", "1", image)
            reference = f"{server.host}/bench/pull:1"
            timed: dict[str, list[tuple[float, float]]] = {"pycompose": [], "docker": []}
            for number in range(options.rounds):
                timed["pycompose"].append(_ours(folder / f"state-{number}", reference))
                if options.peer:
                    timed["docker"].append(_docker(options.peer, reference))
    for name, costs in timed.items():
        if costs:
            wall, processor = (statistics.median(each) for each in zip(*costs, strict=True))
            print(f"{name:<24}{wall:8.2f} s   {processor:8.2f} s of processor time")
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


def _ours(state: Path, reference: str) -> tuple[float, float]:
    """Return seconds by the clock and of processors."""
    own = {"PYCOMPOSE_ROOT": str(state), "PYCOMPOSE_RUN": str(state / "run"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "compose", "image", "pull", "-q", reference]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env={**os.environ, **own}, stdout=subprocess.DEVNULL, check=True)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree(state)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _docker(peer: str, reference: str) -> tuple[float, float]:
    """Return seconds by the clock and of processors: those of the engine and of what it starts to unpack."""
    engine = _dockerd(peer)
    before, begun = _processor_s(engine), time.perf_counter()
    subprocess.run([peer, "run", "docker", "pull", "-q", reference], stdout=subprocess.DEVNULL, check=True)
    seconds, after = time.perf_counter() - begun, _processor_s(engine)
    subprocess.run([peer, "run", "docker", "rmi", reference], stdout=subprocess.DEVNULL, check=True)
    return seconds, after - before


def _processor_s(pid: int) -> float:
    """Return what a process and its former children used (proc(5), fields 14 to 17 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
