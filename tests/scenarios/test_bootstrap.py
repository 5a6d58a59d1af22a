"""Base images from packages, as a machine without a registry makes them."""

import http.server
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cli, wait_until

BASE = "debian:bookworm-slim"


@pytest.fixture
def empty_mirror() -> Iterator[str]:
    """Return the address of a mirror that has nothing."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.RequestHandlerClass.do_GET = lambda self: self.send_error(404)  # type: ignore[attr-defined]
        server.RequestHandlerClass.log_message = lambda *_: None  # type: ignore[method-assign]
        yield f"http://127.0.0.1:{server.server_port}/debian"
        server.shutdown()


@pytest.mark.debian
def test_a_base_image_must_run_and_not_be_made_twice(cli: Cli, debian_base: Path):
    """It says what it is, has a working apt, and is found again by what was asked for."""
    cli.run("image", "load", "-i", str(debian_base))
    cli.write(f"services: {{one: {{image: '{BASE}', labels: {{a: b}}}}}}\n")
    script = ". /etc/os-release; echo $ID $VERSION_CODENAME $PATH; dpkg --audit && apt-get -qq check"
    shown = cli.run("run", "--rm", "one", "bash", "-c", script).stdout
    assert shown == "debian bookworm /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    started = time.monotonic()
    first = cli.run("image", "bootstrap", "-q", BASE)
    second = cli.run("image", "bootstrap", BASE, "-t", "mine:1")
    assert time.monotonic() - started < 3
    assert first.stdout == second.stdout
    assert first.stderr == ""
    assert "mine" in cli.run("image", "ls").stdout
    cli.run("down")


@pytest.mark.debian
def test_packages_that_link_their_manual_pages_must_find_folders_for_them(cli: Cli, debian_base: Path):
    """openjdk's installation fails without; the pages themselves are left out."""
    cli.run("image", "load", "-i", str(debian_base))
    cli.write(f"services: {{one: {{image: '{BASE}'}}}}\n")
    link = "update-alternatives --quiet --install /usr/bin/java java /bin/true 1"
    script = f"{link} --slave /usr/share/man/man1/java.1.gz java.1.gz /usr/share/man/man1; ls /usr/share/man/*"
    shown = cli.run("run", "--rm", "one", "bash", "-c", script).stdout
    folders = [f"/usr/share/man/man{section}:" for section in (1, 3, 5, 7, 8)]
    assert shown.split() == [folders[0], "java.1.gz", *folders[1:]]
    cli.run("down")


def _started(cli: Cli, words: str) -> "subprocess.Popen[str]":
    making = cli.start("image", "bootstrap", "debian:bookworm")
    assert making.stdout is not None
    said = []
    for line in making.stdout:
        said.append(line)
        if words in line:
            return making
    making.communicate()
    pytest.fail(f"`{words}` was not said, but:\n{''.join(said)}")


def _scratch(cli: Cli) -> list[Path]:
    return list((cli.folder.parent / "state/images/ingest").iterdir())


@pytest.mark.debian
def test_a_killed_bootstrap_must_leave_neither_processes_nor_mounts(cli: Cli, busybox_tar: Path):
    """kill -9 in the middle: all it started ends at once, and the next image that comes in sweeps its folder away."""
    making = _started(cli, "installing essential packages")
    making.kill()
    making.communicate(timeout=20)
    left = _scratch(cli)
    assert left
    wait_until(lambda: not any(str(folder) in _mounts_and_commands() for folder in left))
    cli.run("image", "import", str(busybox_tar), "busybox:1")
    assert _scratch(cli) == []


@pytest.mark.debian
def test_ctrl_c_must_end_a_bootstrap_at_once(cli: Cli):
    """130 as ever, no image, nothing on the disk."""
    making = _started(cli, "extracting archives")
    making.send_signal(signal.SIGINT)
    making.communicate(timeout=20)
    assert making.returncode == 130
    assert _scratch(cli) == []
    assert "debian" not in cli.run("image", "ls").stdout


@pytest.mark.debian
def test_a_bootstrap_must_end_when_nobody_reads_what_it_says(cli: Cli):
    """`… 2>&1 | head -1`: it ends with an error and leaves nothing, instead of waiting for ever."""
    making = _started(cli, "asking")
    assert making.stdout is not None
    making.stdout.close()
    assert making.wait(60) != 0
    assert _scratch(cli) == []


def _mounts_and_commands() -> str:
    commands = (path / "cmdline" for path in Path("/proc").iterdir() if path.name.isdecimal())
    return "".join([Path("/proc/mounts").read_text(), *(_text(path) for path in commands)])


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_a_suite_that_the_mirror_lacks_must_be_named(cli: Cli, empty_mirror: str):
    """And a mirror that does not answer, too."""
    finished = cli.run("image", "bootstrap", "--mirror", empty_mirror, "debian:bookwrm", code=1)
    assert finished.stderr.splitlines()[-1] == f"error: {empty_mirror} has no suite `bookwrm`"
    finished = cli.run("image", "bootstrap", "--mirror", "http://127.0.0.1:1/debian", BASE, code=1)
    assert "error: cannot reach the mirror http://127.0.0.1:1/debian: " in finished.stderr
    assert "hint: `--mirror` names another one" in finished.stderr
    assert _scratch(cli) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("python:3.12-slim",), "`python:3.12-slim` is not a base image that can be made from packages"),
        (("--variant", "tiny", BASE), "there is no variant `tiny`"),
        (("--include", "x;y", BASE), "`x;y` is not a package's name"),
        (("--mirror", "nowhere", BASE), "`nowhere` is not a mirror's address"),
        (("--platform", "linux/s390x", BASE), "a base image is made for this machine, linux/"),
    ],
)
def test_what_makes_no_sense_must_be_refused_at_once(cli: Cli, arguments: tuple[str, ...], message: str):
    """Before any program is started."""
    finished = cli.run("image", "bootstrap", *arguments, code=1)
    assert finished.stderr.startswith(f"error: {message}")


def test_the_time_of_the_image_must_be_a_number(cli: Cli):
    """SOURCE_DATE_EPOCH is read as all tools of reproducible builds read it."""
    finished = cli.run("image", "bootstrap", BASE, code=1, environment={"SOURCE_DATE_EPOCH": "today"})
    assert "`SOURCE_DATE_EPOCH` is not a number of seconds: `today`" in finished.stderr


def test_the_way_out_must_be_named_where_no_registry_can_be_reached(cli: Cli):
    """`up` and `build` of something on Debian say what to type; for what Debian's packages are not, they do not."""
    nowhere = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:1")
    cli.write(
        "services:\n"
        "  ready: {image: 'debian:trixie-slim'}\n"
        "  built: {build: {context: ., dockerfile_inline: 'FROM debian:trixie'}}\n"
        "  other: {image: 'python:3.12-slim'}\n"
    )
    shown = cli.run("up", "-d", "ready", code=1, environment=nowhere).stderr
    assert "hint: `pycompose image bootstrap debian:trixie-slim` makes it from packages" in shown
    shown = cli.run("build", "built", code=1, environment=nowhere).stderr
    assert "hint: `pycompose image bootstrap debian:trixie` makes it from packages" in shown
    shown = cli.run("up", "-d", "other", code=1, environment=nowhere).stderr
    assert "bootstrap" not in shown
    assert "`image load`" in shown
