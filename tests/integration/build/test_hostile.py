"""What a context, an archive, a stage or a program may try: nothing outside of the stage is read or written."""

import gzip
import io
import os
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from runtime.build.plan import BindMount, CacheMount, InlineFile
from runtime.errors import EngineError, InvalidArgument, NotFound
from runtime.state import networks
from tests.integration.build.conftest import Copy
from tests.integration.build.stages import Builds, copy, run
from tests.integration.image.tars import Entry, folder, hard_link, layer, symlink
from tests.support.sources import ROOT


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside/secret", "/proc/self/root/etc/passwd", "/proc/1/cwd"])
def test_a_link_must_not_lead_out_of_the_context(context: Path, root: Path, outside: Path, copy: Copy, target: str):
    """Absolute, by `..`, by the process file system: it leads where it would if the context were `/`."""
    (context / "link").symlink_to(target)
    with pytest.raises(NotFound):
        copy("link", "/")
    with pytest.raises(NotFound):
        copy("link/x", "/")
    with pytest.raises(NotFound):
        copy("l*", "/all/")


def test_dots_in_a_source_must_end_at_its_root(context: Path, root: Path, outside: Path, copy: Copy):
    """COPY ../../secret is COPY /secret."""
    with pytest.raises(NotFound):
        copy("../outside/secret", "/")
    (context / "a").write_text("x")
    copy("../../a", "/b")
    assert (root / "b").read_text() == "x"
    with pytest.raises(InvalidArgument, match="NUL"):
        copy("a\0b", "/")


@pytest.mark.parametrize("link", ["/", "../outside", "/proc/self/root"])
def test_a_link_in_the_stage_must_not_lead_a_copy_out(context: Path, root: Path, outside: Path, copy: Copy, link: str):
    """The destination, a folder above it, and a link that a copied folder would be written through."""
    (context / "d/out").mkdir(parents=True)
    (context / "d/out/secret").write_text("stolen")
    (context / "secret").write_text("stolen")
    (root / "out").symlink_to(link)
    copy("secret", "/out/../../outside/secret")
    with pytest.raises(InvalidArgument, match="non-directory"):
        copy("d", "/")
    assert (root / "outside/secret").read_text() == "stolen"


def test_names_swapped_during_a_copy_must_not_lead_out(context: Path, root: Path, outside: Path, copy: Copy):
    """Somebody exchanges folders and links as fast as he can: a copy fails or has what is in the context."""
    for number in range(3):
        (context / f"d{number}").mkdir()
        (context / f"d{number}/secret").write_text("mine")
    links = [context / f"l{number}" for number in range(3)]
    for link in links:
        link.symlink_to(outside)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for number in range(3):
                (context / f"d{number}").rename(context / f"x{number}")
                links[number].rename(context / f"d{number}")
                (context / f"d{number}").rename(links[number])
                (context / f"x{number}").rename(context / f"d{number}")

    thread = threading.Thread(target=swap, daemon=True)
    thread.start()
    deadline = time.monotonic() + 3
    copied = 0
    try:
        while time.monotonic() < deadline:
            shutil.rmtree(root / "all", ignore_errors=True)
            try:
                copy("d0", "d1/secret", "d*", "/all/")
                copied += 1
            except (EngineError, AssertionError, OSError):
                continue  # it changed between the two looks, or a name was not there
            finally:
                for path in (root / "all").rglob("secret"):
                    assert path.read_text() == "mine"
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "entries",
    [
        (Entry("../escaped", b"x"),),
        (Entry("a/../../escaped", b"x"),),
        (symlink("l", "../../outside"), Entry("l/secret", b"stolen")),
        (symlink("l", "/"), Entry("l/outside/secret", b"stolen")),
        (hard_link("h", "../outside/secret"), Entry("h", b"stolen")),
        (hard_link("h", "/etc/passwd"),),
        (folder("d"), symlink("d/l", ".."), hard_link("h", "d/l/../../outside/secret")),
    ],
)
def test_an_added_archive_must_stay_below_its_destination(
    context: Path, root: Path, outside: Path, copy: Copy, entries: tuple[Entry, ...]
):
    """Paths, links and hard links that lead out: refused, or kept inside."""
    (context / "a.tar").write_bytes(layer(*entries))
    before = (root / "etc/passwd").read_text()
    with suppress(InvalidArgument):
        copy("a.tar", "/app/", unpack=True)
    assert {path.name for path in root.iterdir()} <= {"etc", "app"}
    assert (root / "etc/passwd").read_text() == before


def test_an_archive_with_a_header_of_gigabytes_must_be_refused_at_once(context: Path, copy: Copy):
    """A compressed pax header that would fill the memory."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 32
    start = io.BytesIO()
    with tarfile.open(fileobj=start, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("first"))
    body = start.getvalue()[:512] + info.tobuf() + bytes(8 << 20)
    (context / "a.tgz").write_bytes(gzip.compress(body, 1))
    with pytest.raises(InvalidArgument, match=r"unreasonable size|damaged"):
        copy("a.tgz", "/app/", unpack=True)


def test_devices_and_pipes_must_be_copied_not_read(context: Path, root: Path, copy: Copy):
    """A pipe in a context hangs nobody."""
    os.mkfifo(context / "pipe")
    os.mknod(context / "zero", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    copy("pipe", "zero", "/d/")
    assert stat.S_ISFIFO((root / "d/pipe").lstat().st_mode)
    assert (root / "d/zero").lstat().st_rdev == os.makedev(1, 5)


def test_a_mounted_path_must_be_found_inside_its_stage(builds: Builds, outside: Path):
    """`--mount=from=stage,source=link` (CVE-2024-23651); what is not in the stage is not found."""
    stage = builds.keep(builds.build(run(f"ln -s {outside} /host; ln -s /proc/self/root /self; mkdir -p {outside}")))
    assert builds.build(run("ls -A /m", mounts=[BindMount("/m", stage, "/host")])).output == ""
    with pytest.raises(NotFound):
        builds.build(run("ls /m", mounts=[BindMount("/m", stage, "/self/etc")]))
    with pytest.raises(NotFound):
        builds.build(run("ls /m", mounts=[CacheMount("/m", "c", source=stage, path="/self")]))


def test_a_program_that_replaces_its_mount_points_folder_must_not_have_others_removed(builds: Builds, tmp_path: Path):
    """Mount stubs are removed without following what the program put in their way (CVE-2024-23652)."""
    (tmp_path / "victim/secret").mkdir(parents=True)
    script = f"mv /a /b; ln -s {tmp_path}/victim /a; echo done"
    built = builds.build(run(script, mounts=[CacheMount("/a/secret", "c")]))
    assert built.output == "done\n"
    assert built.names() == ["a", "b", "b/secret"]
    assert (tmp_path / "victim/secret").is_dir()


def test_an_id_of_a_cache_must_be_a_name_and_nothing_else(builds: Builds, outside: Path):
    """CVE-2024-9675."""
    for number, name in enumerate(("../../../outside", str(outside), "a/../../..", "x" * 5000, ".")):
        assert builds.build(run(f"ls -A /c # {number}", mounts=[CacheMount("/c", name)])).output == ""


def test_a_step_that_is_cancelled_must_leave_no_process(builds: Builds):
    """Ctrl-C: with everything that it had started."""
    reader, writer = os.pipe()
    threading.Timer(1.0, os.close, (writer,)).start()
    mark = f"9{os.getpid()}"
    with pytest.raises(KeyboardInterrupt):
        builds.build(run(f"sleep {mark} & setsid sleep {mark} & wait"), cancelled=reader)
    os.close(reader)
    listed = subprocess.run(["pgrep", "-f", f"sleep {mark}"], check=False, capture_output=True, text=True)
    assert listed.stdout == ""


KILLED = """
import sys
from pathlib import Path
from runtime.image.store import ImageStore
from runtime.paths import Paths
from runtime.state.database import Database
from tests.integration.build.stages import Builds, run
from schemas.engine.identifiers import DiffID
paths = Paths(Path(sys.argv[1]), Path(sys.argv[2]))
database = Database(paths.database)
builds = Builds(paths, database, ImageStore(database, paths), Path("/"), (DiffID(sys.argv[3]),))
builds.build(run("echo started; sleep 8" + sys.argv[4]))
"""


def test_a_build_that_was_killed_must_leave_nothing_that_lives(builds: Builds):
    """SIGKILL: the program is gone at once; its network and groups with the next build, its files with the next
    collection."""
    mark = str(os.getpid())
    words = [str(builds.paths.state), str(builds.paths.run), builds.base[0], mark]
    killed = subprocess.Popen([sys.executable, "-c", KILLED, *words], cwd=ROOT, start_new_session=True)
    deadline = time.monotonic() + 20
    while not subprocess.run(["pgrep", "-f", f"sleep 8{mark}"], check=False, capture_output=True).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    deadline = time.monotonic() + 5
    while subprocess.run(["pgrep", "-f", f"sleep 8{mark}"], check=False, capture_output=True).stdout:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert [record.name[:7] for record in networks.all_of(builds.database.read())] == ["_build-"]
    assert builds.build(run("echo again")).output == "again\n"
    assert networks.all_of(builds.database.read()) == []
    with builds.images.blobs.exclusive() as alone:
        assert alone
        builds.images.blobs.sweep(builds.images.blobs.leftovers())


@pytest.mark.parametrize("name", ["{outside}/new", "../../../../../..{outside}/new", "..", "", "a/b"])
def test_a_here_document_must_not_be_written_where_its_name_leads(builds: Builds, outside: Path, name: str):
    """`COPY <</etc/cron.d/x /` is a file of the image: neither planner nor writer lets the name be a path."""
    file = InlineFile(name.format(outside=outside), "text")
    with pytest.raises(InvalidArgument, match="is no name of a file"):
        builds.build(copy("/x", files=(file,)))


def test_a_step_that_is_killed_must_be_one_error(builds: Builds):
    """By the out-of-memory killer, say: the build goes on to tell."""
    threading.Thread(target=_kill_step, daemon=True).start()
    with pytest.raises(EngineError, match="killed"):
        builds.build(run("sleep 87654; true"))


def _kill_step() -> None:
    """Kill the parent of the step's shell, once that runs."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        listed = subprocess.run(["pgrep", "-f", "^/bin/sh -c sleep 87654"], check=False, capture_output=True, text=True)
        for pid in listed.stdout.split():
            parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
            os.kill(int(parent), signal.SIGKILL)
            return
        time.sleep(0.05)
