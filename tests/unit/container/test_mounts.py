"""Which mounts a container gets, and which wins."""

from pathlib import Path

import pytest

from runtime.container import mounts
from runtime.errors import InvalidArgument, NotFound
from schemas.engine.identifiers import ContainerID, ImageID
from schemas.engine.records import ContainerRecord, VolumeRecord
from schemas.engine.specs import ContainerSpec, Mount, VolumesFrom, VolumeSpec
from schemas.engine.status import ContainerStatus


def _other(*own: Mount, anonymous: tuple[tuple[str, str], ...] = ()) -> ContainerRecord:
    return ContainerRecord(
        id=ContainerID("1" * 64),
        spec=ContainerSpec("other", "image", mounts=own),
        image_id=ImageID("sha256:0"),
        created_ns=0,
        status=ContainerStatus.RUNNING,
        anonymous_volumes=anonymous,
    )


def _collect(spec: ContainerSpec, other: ContainerRecord, *image_volumes: str) -> mounts.MountTable:
    return mounts.collect(spec, image_volumes, lambda _: other, {"/kept": "old"}, lambda: "fresh")


def test_the_services_own_mount_must_win_over_the_others() -> None:
    """Own mounts beat volumes_from, which beats the image's volumes."""
    spec = ContainerSpec(
        "a",
        "b",
        volumes_from=(VolumesFrom("other"),),
        mounts=(Mount(type="bind", source="/mine", target="/data/"),),
    )
    other = _other(
        Mount(type="volume", source="theirs", target="/data"), Mount(type="volume", source="s", target="/shared")
    )
    table = _collect(spec, other, "/data", "/shared", "/image")
    assert table.by_target["/data"].source == "/mine"
    assert table.by_target["/shared"].source == "s"
    assert table.by_target["/image"].source == "fresh"
    assert table.owned == {"/image": "fresh"}


def test_anonymous_volumes_must_be_carried_over() -> None:
    """A replacement gets the volume that its predecessor had on the same target."""
    table = _collect(ContainerSpec("a", "b", mounts=(Mount(type="volume", target="/kept"),)), _other())
    assert table.owned == {"/kept": "old"}


def test_volumes_from_read_only_must_be_read_only() -> None:
    """`volumes_from: x:ro` takes the right to write (docker compose forgets it)."""
    spec = ContainerSpec("a", "b", volumes_from=(VolumesFrom("other", read_only=True),))
    table = _collect(spec, _other(Mount(type="tmpfs", target="/t"), anonymous=(("/anon", "v"),)))
    assert table.by_target == {"/anon": Mount(type="volume", source="v", target="/anon", read_only=True)}
    assert table.owned == {}


@pytest.mark.parametrize("target", ["/", "/proc", "relative", "/proc/", "//"])
def test_a_hostile_target_must_be_refused(target: str) -> None:
    """Nothing mounts over the root or /proc, or beside the root."""
    with pytest.raises(InvalidArgument):
        _collect(ContainerSpec("a", "b", mounts=(Mount(type="tmpfs", target=target),)), _other())


def test_a_missing_bind_source_must_be_made_only_when_asked(tmp_path: Path) -> None:
    """Compose's short form makes the folder, the long form reports it."""

    def volume(name: str) -> VolumeRecord:
        return VolumeRecord(VolumeSpec(name), 0, "/none")

    source = tmp_path / "a" / "b"
    with pytest.raises(NotFound, match="does not exist"):
        mounts.bundle_mount(Mount(type="bind", source=str(source), target="/x"), volume)
    mounts.bundle_mount(Mount(type="bind", source=str(source), target="/x", create_host_path=True), volume)
    assert source.is_dir()
