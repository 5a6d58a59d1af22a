"""The leak check sees what it is there to see, and removes it."""

import socket
import struct
import subprocess
from pathlib import Path

import pytest

from tests.support import kernel, leaks
from tests.support.leaks import LeakCheck


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LeakCheck:
    """Return a check of directories that belong to this test's own test."""
    monkeypatch.setattr(leaks, "SETTLE_S", 0.2)
    (tmp_path / "inner-run").mkdir()
    return LeakCheck(tmp_path / "inner-state", tmp_path / "inner-run")


def test_a_clean_test_must_pass(check: LeakCheck):
    """Nothing made, nothing found."""
    assert check.leaks() == []


def test_a_process_left_behind_must_be_found_and_ended(check: LeakCheck, tmp_path: Path):
    """An orphan that mentions the test's state directory is the test's own."""
    subprocess.run(["sh", "-c", f"PYCOMPOSE_ROOT={tmp_path}/inner-state setsid sleep 60 >/dev/null 2>&1 &"], check=True)
    found = check.leaks()
    assert [line.partition(": ")[2] for line in found] == ["sleep 60"]
    check.remove()
    assert check.leaks() == []


def test_a_file_in_the_run_directory_must_be_found(check: LeakCheck, tmp_path: Path):
    """A socket or FIFO whose project is gone counts; the project's lock does not."""
    (tmp_path / "inner-run" / "lock").touch()
    (tmp_path / "inner-run" / "control.sock").touch()
    assert check.leaks() == [f"file {tmp_path}/inner-run/control.sock"]


def test_a_table_left_behind_must_be_found_and_deleted(check: LeakCheck, tmp_path: Path):
    """Tables are found through netlink, not through a program that may be missing."""
    name = f"pycompose_{leaks.tag(tmp_path / 'inner-state')}_leakcheck"
    _make_table(name)
    assert check.leaks() == [f"nftables table {name}"]
    check.remove()
    assert name not in kernel.tables()


def _make_table(name: str) -> None:
    text = name.encode() + b"\0"
    attribute = struct.pack("=HH", 4 + len(text), kernel.NFTA_TABLE_NAME) + text + b"\0" * (-len(text) % 4)
    batch = struct.pack("=BBH", 0, 0, socket.htons(kernel.NFNL_SUBSYS_NFTABLES))
    new_table = kernel.NFNL_SUBSYS_NFTABLES << 8
    inet = struct.pack("=BBH", 1, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, kernel.NETLINK_NETFILTER) as netlink:
        messages = [
            (kernel.NFNL_MSG_BATCH_BEGIN, 0x1, batch),
            (new_table, 0x1 | 0x4 | 0x400, inet + attribute),
            (kernel.NFNL_MSG_BATCH_END, 0x1, batch),
        ]
        netlink.send(b"".join(struct.pack("=IHHII", 16 + len(body), *head, 1, 0) + body for *head, body in messages))
        netlink.recv(65536)
