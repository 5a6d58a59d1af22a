"""The same images built by pycompose, docker compose, podman and buildah, in turn, in one run.

    python benchmarks/build.py [--peer SCRIPT] [--rounds 3] [--files 5000] [--offline]

Needs root and busybox-static. SCRIPT runs a command where a Docker engine, podman and buildah answer, with a folder
/srv of its own; what an empty `SCRIPT run true` costs is subtracted. Figures are medians in seconds: a build without
the cache, one that finds everything in it, one after a source file changed, and a container of the image that runs
`true`. The ratio is to the fastest of the others.

The images are the ones below, and `packages`: nginx of examples/nginx-flask-postgres, from packages that lie in the
context, since the others may be where no mirror is in reach. Fetching them needs one, so `--offline` leaves it out.
"""

import argparse
import io
import json
import signal
import sys
import tarfile
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.builders import PROJECT, Builder, ours, theirs  # noqa: E402 - the path has to be set first
from tests.support.images import busybox_tar, debian_base  # noqa: E402 - likewise

BASE, DEBIAN = "bench-base", "bench-debian"
COMPOSE = f"name: {PROJECT}\nservices:\n  app:\n    image: {{name}}\n    build: ./context\n"
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
STEPS = "".join(f"RUN echo {number} >/step{number}\n" for number in range(8))
DOCKERFILES = {
    "files": "FROM bench-base\nCOPY src /app\nCOPY main /app/main\n",
    "steps": f"FROM bench-base\n{STEPS}COPY main /app/main\nRUN cp /app/main /app/copy\n",
    "stages": STAGES,
}
FETCH = """\
FROM bench-debian
RUN mkdir -p /debs/partial && apt-get update -qq \
 && apt-get install -qq -y --no-install-recommends --download-only -o Dir::Cache::archives=/debs curl nginx-light
"""
PACKAGES = """\
FROM bench-debian
COPY debs /debs
RUN DEBIAN_FRONTEND=noninteractive dpkg --install /debs/*.deb
COPY main /app/main
"""
LABELS = ("cold", "cached", "changed", "run true")
PAUSE_S = 6
"""ext4 without a journal looks at every inode that was removed in the last five seconds before it takes one
(recently_deleted in fs/ext4/ialloc.c): who comes after somebody that removed thousands would pay for that."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="script that runs commands beside a Docker engine, podman and buildah")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--offline", action="store_true", help="leave out `packages`")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="pycompose-bench-") as text, ExitStack() as opened:
        folder = Path(text)
        builders = [opened.enter_context(it) for it in (ours(folder), *(theirs(options.peer) if options.peer else ()))]
        prepare(builders, BASE, busybox_tar(folder).read_bytes())
        archives = {name: context(name, dockerfile, options.files) for name, dockerfile in DOCKERFILES.items()}
        if not options.offline:
            prepare(builders, DEBIAN, root_of(debian_base(folder)))
            archives["packages"] = packages(builders[0])
        for name, archive in archives.items():
            for builder in builders:
                unpack(builder, archive)
            for number in range(options.rounds):
                for builder in builders:
                    one_round(builder, name, number)
        print(text_of(builders, list(archives)))


def prepare(builders: list[Builder], image: str, root: bytes) -> None:
    """Make a base image of the tar of its root everywhere."""
    for builder in builders:
        builder.output(builder.importing.format(name=image), root)


def root_of(archive: Path) -> bytes:
    """Return the only layer of an image that was saved."""
    with tarfile.open(archive) as saved:
        manifest = saved.extractfile("manifest.json")
        assert manifest is not None
        (layer,) = json.load(manifest)[0]["Layers"]
        content = saved.extractfile(layer)
        assert content is not None
        return content.read()


def packages(builder: Builder) -> bytes:
    """Return the archive of the project `packages`; the builder fetches them."""
    unpack(builder, archive_of("fetch", FETCH, {}))
    builder.output(builder.build.format(name="bench-fetch"))
    debs = builder.output(builder.run_true.removesuffix("true") + "tar -C /debs -c .")
    with tarfile.open(fileobj=io.BytesIO(debs)) as tar:
        found = {Path(it.name).name: tar.extractfile(it) for it in tar if it.name.endswith(".deb")}
        content = {f"debs/{name}": file.read() for name, file in found.items() if file is not None}
    return archive_of("packages", PACKAGES, content)


def context(name: str, dockerfile: str, files: int) -> bytes:
    """Return the archive of a project with so many files in folders of a hundred."""
    return archive_of(
        name, dockerfile, {f"src/{number // 100}/{number}": b"file %d\n" % number * 50 for number in range(files)}
    )


def archive_of(name: str, dockerfile: str, content: dict[str, bytes]) -> bytes:
    """Return the archive of a project with one service and these files in its context."""
    files = {
        "compose.yaml": COMPOSE.format(name=f"bench-{name}").encode(),
        "context/Dockerfile": dockerfile.encode(),
        "context/main": b"main\n",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, written in (files | {f"context/{path}": written for path, written in content.items()}).items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.mtime = len(written), 0o644, 1_700_000_000
            archive.addfile(entry, io.BytesIO(written))
    return buffer.getvalue()


def unpack(builder: Builder, archive: bytes) -> None:
    """Give a builder its project."""
    builder.output(f"rm -rf {builder.place}; mkdir -p {builder.place}; tar -xC {builder.place}", archive)


def one_round(builder: Builder, name: str, number: int) -> None:
    """Build from nothing, from everything, after a change; run it."""
    image = f"bench-{name}" if builder.name != "buildah" else f"bench-{name}-buildah"
    build = builder.build.format(name=image)
    time.sleep(PAUSE_S)
    builder.measure(name, "cold", build.replace(" build", " build --no-cache", 1))
    builder.output(build)
    builder.measure(name, "cached", build)
    builder.output(f"echo {number} {time.time()} >{builder.place}/context/main")
    builder.measure(name, "changed", build)
    if builder.run_true:
        builder.measure(name, "run true", builder.run_true.format(name=image))


def text_of(builders: list[Builder], images: list[str]) -> str:
    """Return the figures as a table."""
    lines = [f"{'':<18}" + "".join(f"{builder.name:>12}" for builder in builders) + f"{'ratio':>8}"]
    for image in images:
        for label in LABELS:
            first, *rest = (builder.median_s(image, label) for builder in builders)
            others = [it for it in rest if it is not None]
            ratio = f"{first / min(others):.2f}" if first is not None and others else "-"
            shown = "".join(f"{'-':>12}" if it is None else f"{it:>12.2f}" for it in (first, *rest))
            lines.append(f"{image + ' ' + label:<18}{shown}{ratio:>8}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
