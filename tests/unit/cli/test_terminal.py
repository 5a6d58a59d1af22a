"""Bytes between the user's terminal and a program, on real pipes and pseudo-terminals."""

import os
import pty
import termios
import threading

import pytest

from compose.cli import terminal
from compose.cli.terminal import Relay

MEGABYTE = 1 << 20


def _drain(descriptor: int) -> bytes:
    chunks = []
    while chunk := os.read(descriptor, 65536):
        chunks.append(chunk)
    return b"".join(chunks)


def test_a_program_that_echoes_more_than_pipes_hold_must_not_stop_the_relay() -> None:
    """Input waits while output flows: no deadlock, no byte lost."""
    data = os.urandom(MEGABYTE)
    source, source_end = os.pipe()
    to_program, program_in = os.pipe()
    program_out, from_program = os.pipe()
    result, result_end = os.pipe()
    received: list[bytes] = []

    def echo() -> None:
        while chunk := os.read(to_program, 4096):
            os.write(from_program, chunk)
        os.close(from_program)

    def give() -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(source_end, view) :]
        os.close(source_end)

    threads = [
        threading.Thread(target=echo),
        threading.Thread(target=give),
        threading.Thread(target=lambda: received.append(_drain(result))),
    ]
    relay = Relay()
    relay.copy(program_out, result_end)
    relay.feed(source, program_in, lambda: os.close(program_in))
    for thread in threads:
        thread.start()
    relay.run()
    os.close(result_end)
    for thread in threads:
        thread.join(10)
    assert received == [data]
    for descriptor in (source, to_program, program_out, result):
        os.close(descriptor)


def test_input_that_nobody_reads_must_not_end_the_output() -> None:
    """`yes | exec web head -1`: the program closes its input and goes on."""
    source, source_end = os.pipe()
    to_program, program_in = os.pipe()
    program_out, from_program = os.pipe()
    result, result_end = os.pipe()
    os.close(to_program)
    os.write(source_end, b"unread")
    closed: list[bool] = []
    relay = Relay()
    relay.copy(program_out, result_end)
    relay.feed(source, program_in, lambda: closed.append(True))
    threading.Timer(0.2, lambda: (os.write(from_program, b"still here"), os.close(from_program))).start()
    relay.run()
    assert os.read(result, 100) == b"still here"
    assert closed == [True]
    for descriptor in (source, source_end, program_in, program_out, result, result_end):
        os.close(descriptor)


def test_a_terminal_must_be_as_it_was_after_an_error() -> None:
    """Raw mode ends however the command ends."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)

    def fail_in_raw_mode() -> None:
        with terminal.raw(slave):
            assert not termios.tcgetattr(slave)[3] & termios.ECHO
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_in_raw_mode()
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


def test_what_is_no_terminal_must_be_left_alone() -> None:
    """Pipes have no raw mode and no size."""
    reader, writer = os.pipe()
    with terminal.raw(reader):
        pass
    assert terminal.size(reader) == (24, 80)
    os.close(reader)
    os.close(writer)


def test_the_size_must_be_told_at_once() -> None:
    """And again at SIGWINCH, which the same call serves."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (30, 100))
    told: list[tuple[int, int]] = []
    with terminal.resizing(lambda rows, columns: told.append((rows, columns)), slave):
        termios.tcsetwinsize(slave, (40, 120))
        os.kill(os.getpid(), 28)
    assert told == [(30, 100), (40, 120)]
    os.close(master)
    os.close(slave)


def test_a_program_on_a_terminal_must_be_heard_to_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    """What it printed before it ended is shown, also where a background process keeps the terminal."""
    master, slave = pty.openpty()
    entry = os.dup(master)
    stdin, stdin_end = os.pipe()
    saved = os.dup(0)
    os.dup2(stdin, 0)
    try:
        os.write(slave, b"last words\n")
        code = terminal.converse(master, entry, lambda _rows, _columns: None, lambda: 7)
    finally:
        os.dup2(saved, 0)
        for descriptor in (master, slave, entry, stdin, stdin_end, saved):
            os.close(descriptor)
    assert code == 7
    assert "last words" in capfd.readouterr().out
