"""A command that is killed leaves images whole or not there, never half, and nothing that stays."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from runtime.image.store import ImageStore
from runtime.paths import Paths
from runtime.state.database import Database
from tests.integration.image.tars import Entry, folder, layer

FILES = 300
CONTENT = layer(
    folder("./"), *(Entry(f"d{number % 7}/f{number}", bytes([number % 251]) * 5000) for number in range(FILES))
)
MOMENTS = 24


def test_an_import_killed_at_any_moment_must_leave_no_broken_image(tmp_path: Path, paths: Paths, database: Database):
    """Killed at moments spread over its whole run; after each, the image is complete or absent."""
    path = tmp_path / "rootfs.tar"
    path.write_bytes(CONTENT)
    duration = _timed(lambda: _killed(paths, path, after_s=60.0))
    store = ImageStore(database, paths)
    store.remove("base")
    outcomes = set()
    for moment in range(MOMENTS):
        _killed(paths, path, after_s=duration * moment / (MOMENTS - 4))
        outcomes.add(_check_whole(store))
    assert outcomes == {False, True}, "all kills came too early or too late to say anything"
    _check_whole(store, importing=path)
    for image in store.list():
        if "host:latest" not in image.references:
            store.remove(image.id, force=True)
    remaining = [each for each in paths.images.rglob("*") if each.is_file() and each.name not in {"lock", "oci-layout"}]
    assert remaining == []


def _killed(paths: Paths, path: Path, *, after_s: float) -> None:
    """Import in a child that is killed after a while, unless it has ended by then."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            ImageStore(Database(paths.database), paths).import_tar(path, "base", [f"LABEL n={os.getpid()}"])
        os._exit(0)
    deadline = time.monotonic() + after_s
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG) != (0, 0):
            return
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _check_whole(store: ImageStore, importing: Path | None = None) -> bool:
    """Whether the image is there; if so, every file must be, with all its bytes."""
    if importing is not None:
        store.import_tar(importing, "base")
    images = [image for image in store.list() if "base:latest" in image.references]
    for image in images:
        (lower,) = store.lower_directories(image)
        files = [each for each in Path(lower).rglob("*") if each.is_file()]
        assert (len(files), {each.stat().st_size for each in files}) == (FILES, {5000})
    if images and importing is None:
        store.remove("base")
    return bool(images)


def _timed(call: Callable[[], None]) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun
