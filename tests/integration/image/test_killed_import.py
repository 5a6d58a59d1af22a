"""A command that is killed leaves images whole or not there, never half, and nothing that stays."""

import os
import signal
from pathlib import Path

from runtime.image.store import ImageStore
from runtime.paths import Paths
from runtime.state.database import Database
from runtime.syscall.tree import remove_tree
from tests.integration.image.kills import NEVER, killed
from tests.integration.image.tars import Entry, folder, layer

FILES = 40
CONTENT = layer(folder("./"), *(Entry(f"d{number % 7}/f{number}", bytes([number]) * 5000) for number in range(FILES)))


def test_an_import_killed_at_any_moment_must_leave_no_broken_image(tmp_path: Path, paths: Paths, database: Database):
    """Killed before each of its last steps and a sample of the earlier ones: the image is complete or absent."""
    path = tmp_path / "rootfs.tar"
    path.write_bytes(CONTENT)
    store = ImageStore(database, paths)
    _killed(paths, path, before=NEVER)
    remove_tree(paths.images)
    steps = _killed(paths, path, before=NEVER)
    assert _is_whole(store)
    for step in range(0, steps, 11):
        assert _killed(paths, path, before=step) == -signal.SIGKILL
        _is_whole(store)
    outcomes = []
    for step in range(steps - 30, steps):
        # Without what the kills before left, the steps are the ones that were counted.
        remove_tree(paths.images)
        assert _killed(paths, path, before=step) == -signal.SIGKILL
        outcomes.append(_is_whole(store))
    # The image is there once the state says so: some steps are before, some after that.
    assert set(outcomes) == {False, True}
    assert outcomes == sorted(outcomes)
    store.import_tar(path, "base")
    assert _is_whole(store)
    for image in store.list():
        if "host:latest" not in image.references:
            store.remove(image.id, force=True)
    remaining = [each for each in paths.images.rglob("*") if each.is_file() and each.name not in {"lock", "oci-layout"}]
    assert remaining == []


def _killed(paths: Paths, path: Path, *, before: int) -> int:
    return killed(paths, lambda store: store.import_tar(path, "base", [f"LABEL n={os.getpid()}"]), before)


def _is_whole(store: ImageStore) -> bool:
    """Whether the image is there, and then forget it. If it is, every file must be, with all its bytes."""
    images = [image for image in store.list() if "base:latest" in image.references]
    for image in images:
        (lower,) = store.lower_directories(image)
        files = [each for each in Path(lower).rglob("*") if each.is_file()]
        assert (len(files), {each.stat().st_size for each in files}) == (FILES, {5000})
        store.remove("base")
    return bool(images)
