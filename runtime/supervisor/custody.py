"""Descriptors that a supervisor has and the keeper has too.

Names are `<what>:<container id>`, with a number behind `port:<container id>:`.
"""

import os
import socket
from collections.abc import Callable

from runtime.supervisor.channel import Channel, Overflow
from runtime.supervisor.estate import Estate, LinkMessage, decode, encode
from runtime.supervisor.loop import READABLE, WRITABLE, Loop


class Custody:
    """The supervisor's end of the link, and what lies with the keeper."""

    def __init__(self, estate: Estate, link: socket.socket, loop: Loop) -> None:
        self._estate = estate
        self._channel = Channel(link)
        self._loop = loop
        self._lost = False
        self._by_container: dict[str, set[str]] = {}
        for name in estate.holdings:
            self._by_container.setdefault(_container_of(name), set()).add(name)
        self.on_exit: Callable[[int], None] = _ignore
        """Called with the pid when the keeper reports an exit (then in `exits`)."""
        self.on_loss: Callable[[], None] = _nothing
        """Called when the keeper is dead."""
        loop.watch(link.fileno(), self._readable)

    @property
    def exits(self) -> dict[int, int]:
        """Wait statuses by pid that the keeper reaped and nobody has recorded."""
        return self._estate.exits

    def get(self, name: str) -> int | None:
        """Return a descriptor that is held, ours to use and not to close."""
        return self._estate.holdings.get(name)

    def hold(self, name: str, descriptor: int) -> None:
        """Take over a descriptor: held here and by the keeper until `drop`."""
        self._close_own(name)
        self._estate.holdings[name] = descriptor
        self._by_container.setdefault(_container_of(name), set()).add(name)
        self._tell(LinkMessage(hold=(name,)), [descriptor])

    def drop(self, *names: str) -> None:
        """Close descriptors here and at the keeper. Names that are not held do not matter."""
        held = tuple(name for name in names if name in self._estate.holdings)
        if held:
            for name in held:
                self._close_own(name)
            self._tell(LinkMessage(drop=held))

    def names(self, what: str, container_id: str) -> list[str]:
        """Return the names of one kind that are held for a container."""
        prefix = f"{what}:"
        return [name for name in self.names_of(container_id) if name.startswith(prefix)]

    def names_of(self, container_id: str) -> list[str]:
        """Return all names that are held for a container."""
        return sorted(self._by_container.get(container_id, ()))

    def confirm(self, pid: int) -> None:
        """Tell the keeper that an exit it reported is recorded."""
        if self._estate.exits.pop(pid, None) is not None:
            self._tell(LinkMessage(confirm=pid))

    def farewell(self) -> None:
        """Tell the keeper to end with us."""
        self._tell(LinkMessage(farewell=True))

    def replace_link(self, link: socket.socket) -> None:
        """Go on with a new keeper, which has inherited what we hold."""
        self._channel.close()
        self._channel = Channel(link)
        self._lost = False
        self._loop.watch(link.fileno(), self._readable)

    def _close_own(self, name: str) -> None:
        descriptor = self._estate.holdings.pop(name, None)
        if descriptor is not None:
            self._loop.unwatch(descriptor)
            os.close(descriptor)
            names = self._by_container[_container_of(name)]
            names.discard(name)
            if not names:
                del self._by_container[_container_of(name)]

    def _tell(self, message: LinkMessage, descriptors: list[int] | None = None) -> None:
        if self._lost:
            return
        try:
            self._channel.send(encode(message), descriptors or [])
        except (OSError, Overflow):
            self._lose()
            return
        if self._channel.has_queued:
            self._loop.watch(self._channel.fileno(), self._ready, READABLE | WRITABLE)

    def _ready(self) -> None:
        try:
            self._channel.flush()
        except OSError:
            self._lose()
            return
        if not self._channel.has_queued:
            self._loop.watch(self._channel.fileno(), self._readable)
        self._readable()

    def _readable(self) -> None:
        while not self._lost:
            try:
                received = self._channel.receive()
            except (EOFError, OSError):
                self._lose()
                return
            if received is None:
                return
            pid, status = decode(received[0]).exited
            self._estate.exits[pid] = status
            self.on_exit(pid)

    def _lose(self) -> None:
        if not self._lost:
            self._lost = True
            self._loop.unwatch(self._channel.fileno())
            self.on_loss()


def _container_of(name: str) -> str:
    return name.split(":")[1]


def _ignore(_pid: int) -> None:
    """Nobody listens yet."""


def _nothing() -> None:
    """Nobody listens yet."""
