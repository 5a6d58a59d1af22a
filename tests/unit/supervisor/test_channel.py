"""Packets with descriptors over a socket, without waiting."""

import os
import socket

import pytest

from runtime.supervisor import channel
from runtime.supervisor.channel import Channel, Overflow
from runtime.supervisor.loop import Loop


@pytest.fixture
def ends() -> tuple[Channel, Channel]:
    """Return two connected ends."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return Channel(one), Channel(other)


def test_packets_must_keep_their_bounds(ends: tuple[Channel, Channel]) -> None:
    """One send is one receive, however large."""
    here, there = ends
    sent = [b"a", b"b" * 500_000, b"c"]
    for packet in sent:
        here.send(packet)
    assert [there.receive() for _ in range(4)] == [*((packet, []) for packet in sent), None]
    here.close()
    with pytest.raises(EOFError):
        there.receive()
    there.close()


def test_descriptors_must_arrive_close_on_exec(ends: tuple[Channel, Channel]) -> None:
    """What is passed is the same file, and no child inherits it."""
    here, there = ends
    reader, writer = os.pipe()
    here.send(b"take", [reader, writer])
    received = there.receive()
    assert received is not None
    packet, (reader_there, writer_there) = received
    assert packet == b"take"
    os.write(writer, b"x")
    assert os.read(reader_there, 1) == b"x"
    assert not os.get_inheritable(reader_there)
    for descriptor in (reader, writer, reader_there, writer_there):
        os.close(descriptor)
    here.close()
    there.close()


def test_slow_reader_must_get_everything_in_order(ends: tuple[Channel, Channel]) -> None:
    """What does not fit is queued, with its descriptors, and sent later."""
    here, there = ends
    reader, writer = os.pipe()
    for number in range(24):
        here.send(b"%03d" % number * 100_000, [reader] if number == 23 else [])
    os.close(reader)
    assert here.has_queued
    seen = []
    while len(seen) < 24:
        here.flush()
        received = there.receive()
        if received is not None:
            seen.append(received)
    assert [packet[:3] for packet, _ in seen] == [b"%03d" % number for number in range(24)]
    os.write(writer, b"y")
    assert os.read(seen[-1][1][0], 1) == b"y"
    for descriptor in (writer, seen[-1][1][0]):
        os.close(descriptor)
    here.close()
    there.close()


def test_dead_reader_must_be_given_up(ends: tuple[Channel, Channel]) -> None:
    """The queue has a bound."""
    here, there = ends

    def flood() -> None:
        for _ in range(20):
            here.send(b"x" * 900_000)

    with pytest.raises(Overflow):
        flood()
    here.close()
    there.close()


def test_loop_must_call_back_in_time() -> None:
    """Ready descriptors and due timers are called, cancelled ones are not, errors end nothing."""
    loop = Loop()
    reader, writer = os.pipe()
    seen: list[str] = []

    def readable() -> None:
        seen.append(os.read(reader, 10).decode())
        loop.unwatch(reader)
        loop.after(0.01, lambda: seen.append("late"))
        loop.after(0.02, loop.stop)

    loop.watch(reader, readable)
    loop.after(0, lambda: os.write(writer, b"x"))
    loop.after(0.005, lambda: seen.append("cancelled")).cancel()
    loop.after(0.001, [].pop)
    loop.run()
    assert seen == ["x", "late"]
    loop.close()
    os.close(reader)
    os.close(writer)


def test_largest_packet_must_fit() -> None:
    """A megabyte goes through at once."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel.widen(one)
    channel.send(one, b"z" * channel.MAXIMUM_MESSAGE_BYTES)
    assert channel.receive(other)[0] == b"z" * channel.MAXIMUM_MESSAGE_BYTES
    one.close()
    other.close()
