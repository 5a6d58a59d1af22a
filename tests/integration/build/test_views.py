"""The overlays of a step: no user sees them but by what they cost."""

from pathlib import Path

from runtime.build.worker import views


def test_a_step_must_not_have_the_whole_disk_written_out(tmp_path: Path):
    """The kernel does so at the end of each overlay that is not volatile; and one that is must be of use twice."""
    rootfs = views.prepare(str(tmp_path / "scratch"), ())
    for name in ("first", "second"):
        with views.writable(rootfs) as root:
            assert (Path(rootfs.work) / "work/incompat/volatile").is_dir()
            Path(f"/proc/self/fd/{root}/{name}").touch()
    assert sorted(path.name for path in Path(rootfs.upper).iterdir()) == ["first", "second"]
