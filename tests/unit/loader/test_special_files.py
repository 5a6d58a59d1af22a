"""Paths that lead to what is no file: each ends at once, whoever names it; what ends by itself is read."""

import errno
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from compose.errors import ComposeError
from compose.loader.options import LoadOptions
from compose.loader.pipeline import resolve
from compose.loader.source import MAX_FILE_BYTES, DiskReader
from tests.support.bounded import call, require_refused
from tests.support.sources import ROOT

_A = "services: {{a: {{image: i}}}}\n"
NAMED_BY = {
    "-f": "",
    "include": "include: [{path}]\n" + _A,
    "include.env_file": "include: [{{path: b.yaml, env_file: {path}}}]\n" + _A,
    "extends": "services: {{a: {{extends: {{file: {path}, service: a}}}}}}\n",
    "env_file": "services: {{a: {{image: i, env_file: {path}}}}}\n",
    "optional env_file": "services: {{a: {{image: i, env_file: [{{path: {path}, required: false}}]}}}}\n",
    "label_file": "services: {{a: {{image: i, label_file: {path}}}}}\n",
    "--env-file": _A,
}


def _loading(folder: Path, by: str, path: object) -> Callable[[], object]:
    text = NAMED_BY[by].format(path=path)
    (folder / "compose.yaml").write_text(text)
    (folder / "b.yaml").write_text("services: {b: {image: i}}\n")
    options = LoadOptions(
        cwd=str(folder),
        environment={"HOME": "/root"},
        files=(str(path),) if by == "-f" else (),
        env_files=(str(path),) if by == "--env-file" else (),
    )
    return lambda: resolve(options)


def _refused(folder: Path, by: str, path: object) -> str:
    if by in ("-f", "--env-file"):
        outcome = call(_loading(folder, by, path))
        assert outcome.error, "not refused"
        return outcome.error
    return require_refused(_loading(folder, by, path), str(path))


@pytest.mark.parametrize("by", NAMED_BY)
def test_a_device_must_be_refused_whoever_names_it(by, tmp_path):
    """/dev/zero has no end."""
    assert "is a device" in _refused(tmp_path, by, "/dev/zero")


@pytest.mark.parametrize("by", NAMED_BY)
def test_a_fifo_that_nobody_writes_to_must_be_refused_whoever_names_it(by, tmp_path):
    """Opening it would wait for ever."""
    os.mkfifo(tmp_path / "fifo")
    assert "is a pipe that nobody writes to" in _refused(tmp_path, by, tmp_path / "fifo")


@pytest.mark.parametrize("by", NAMED_BY)
def test_a_folder_must_be_refused_whoever_names_it(by, tmp_path):
    """In so many words."""
    (tmp_path / "folder").mkdir()
    assert "is a directory" in _refused(tmp_path, by, tmp_path / "folder")


@pytest.mark.parametrize("by", [name for name in NAMED_BY if name != "optional env_file"])
def test_links_that_go_round_must_be_refused_whoever_names_them(by, tmp_path):
    """As the missing files that they are."""
    (tmp_path / "x").symlink_to("y")
    (tmp_path / "y").symlink_to("x")
    assert str(tmp_path / "x") in _refused(tmp_path, by, tmp_path / "x")


def test_folders_that_link_to_themselves_must_end(tmp_path):
    """The kernel follows forty links."""
    (tmp_path / "d").symlink_to(".")
    (tmp_path / "compose.yaml").write_text("include: [d/compose.yaml]\n")
    outcome = call(lambda: resolve(LoadOptions(cwd=str(tmp_path), environment={})))
    assert "too many levels of symbolic links" in outcome.error or "goes on for more than 50 files" in outcome.error


@pytest.mark.parametrize("path", ["/proc/self/mem", "/dev/full", "/dev/random"])
def test_what_the_kernel_makes_must_be_refused(path, tmp_path):
    """It has no end, or no beginning."""
    assert path in _refused(tmp_path, "env_file", path)


def test_a_socket_must_be_called_a_socket(tmp_path):
    """Not `no such device or address`."""
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
        assert "is a socket" in _refused(tmp_path, "env_file", tmp_path / "s")


def test_a_huge_file_must_be_refused_without_reading_it_all(tmp_path):
    """A sparse terabyte takes no room on the disk."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)
    for by in ("include", "env_file"):
        assert "larger than 16777216 bytes" in _refused(tmp_path, by, tmp_path / "huge")
    (tmp_path / "large").write_bytes(b"#" * MAX_FILE_BYTES)
    assert len(DiskReader().read(str(tmp_path / "large"))) == MAX_FILE_BYTES


def test_the_null_device_must_be_an_empty_file(tmp_path):
    """`--env-file /dev/null` is what people write for none."""
    outcome = call(_loading(tmp_path, "--env-file", "/dev/null"))
    assert not outcome.error


def test_a_fifo_with_a_slow_writer_must_be_read_to_its_end(tmp_path):
    """Whether the writer or the reader comes first."""
    os.mkfifo(tmp_path / "fifo")
    waiting = threading.Event()

    def write() -> None:
        with (tmp_path / "fifo").open("w") as file:
            waiting.set()
            file.write("A=1\n")
            file.flush()
            file.write("B=2\n")

    writer = threading.Thread(target=write)
    writer.start()
    assert DiskReader().read(str(tmp_path / "fifo")) == b"A=1\nB=2\n"
    writer.join()
    assert waiting.is_set()


@pytest.mark.parametrize("command", ["echo A=1", "true"])
def test_the_output_of_a_command_must_be_read_as_a_file(command, tmp_path):
    """`<(…)` of the shell is a FIFO without a name, whose writer may have ended."""
    program = "import sys; from compose.loader.source import DiskReader; print(DiskReader().read(sys.argv[1]))"
    shell = f"cd {ROOT} && {sys.executable} -c '{program}' <({command})"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True)
    assert done.stdout == f"{b'A=1' + chr(10).encode() if 'A' in command else b''!r}\n"


def test_a_file_that_cannot_be_opened_must_say_why(tmp_path):
    """An error of the kernel is an error with a sentence."""
    with pytest.raises(OSError, match="File name too long") as caught:
        DiskReader().read(str(tmp_path / ("x" * 300)))
    assert caught.value.errno == errno.ENAMETOOLONG
    with pytest.raises(ComposeError, match="no such file"):
        resolve(LoadOptions(cwd=str(tmp_path), environment={}, files=("x/compose.yaml",)))
