"""Root file systems for tests, made offline where that is possible, as tars for `pycompose image import`."""

import hashlib
import io
import os
import subprocess
import tarfile
import time
from pathlib import Path

from tests.support.cli import Cli
from tests.support.sources import ROOT

BUSYBOX = Path("/bin/busybox")
ETC = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}
_WEEK_S = 7 * 24 * 3600
FOLDERS = {"bin": 0o755, "etc": 0o755, "root": 0o700, "tmp": 0o1777, "proc": 0o555, "sys": 0o555, "dev": 0o755}


def busybox() -> Path | None:
    """Return the machine's busybox if it stands on its own."""
    if BUSYBOX.exists() and b"/ld-linux" not in BUSYBOX.read_bytes():
        return BUSYBOX
    return None


def busybox_tar(folder: Path) -> Path:
    """Write the tar of a root file system with every applet of busybox; return its path."""
    target = folder / "busybox.tar"
    listed = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, timeout=10, check=True)
    with tarfile.open(target, "w") as archive:
        for name, mode in FOLDERS.items():
            archive.addfile(_entry(name, tarfile.DIRTYPE, mode))
        binary = _entry("bin/busybox", tarfile.REGTYPE, 0o755)
        binary.size = BUSYBOX.stat().st_size
        with BUSYBOX.open("rb") as content:
            archive.addfile(binary, content)
        for applet in listed.stdout.split():
            if applet != "busybox":
                link = _entry(f"bin/{applet}", tarfile.SYMTYPE, 0o777)
                link.linkname = "busybox"
                archive.addfile(link)
        for name, text in ETC.items():
            entry = _entry(name, tarfile.REGTYPE, 0o644)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return target


def debian_tar(*packages: str) -> Path:
    """Return the example's root file system with more packages; raise RuntimeError where it cannot be made."""
    made = subprocess.run(
        [ROOT / "examples/web-db-lb/make-image", "--tar", *packages],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ,
    )
    if made.returncode:
        raise RuntimeError(f"no image of Debian packages: {made.stderr.strip()}")
    return Path(made.stdout.strip())


def debian_base(folder: Path) -> Path:
    """Return an archive of a Debian base image; raise RuntimeError where it cannot be made.

    `folder` is where it is made. It is kept beside the tar of `debian_tar`, for a week (packages grow old), and
    under the name of what bases are made by.
    """
    cache = Path(os.environ.get("PYCOMPOSE_CACHE") or Path.home() / ".cache/pycompose")
    recipe = hashlib.sha256((ROOT / "runtime/image/bootstrap/recipe.py").read_bytes()).hexdigest()
    archive = cache / f"debian-bookworm-slim-{recipe[:12]}.tar"
    if archive.exists() and time.time() - archive.stat().st_mtime < _WEEK_S:
        return archive
    cache.mkdir(parents=True, exist_ok=True)
    cli = Cli(folder)
    own = {"PYCOMPOSE_ROOT": str(folder / "state"), "PYCOMPOSE_RUN": str(folder / "run")}
    made = cli.run("image", "bootstrap", "debian:bookworm-slim", code=None, timeout=600, environment=own)
    if made.code:
        raise RuntimeError(f"no image of Debian packages: {made.stderr.strip()}")
    new = archive.with_suffix(f".{os.getpid()}")
    cli.run("image", "save", "-o", str(new), "debian:bookworm-slim", environment=own)
    new.rename(archive)
    return archive


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    return entry
