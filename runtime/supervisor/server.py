"""The control socket: clients, their requests, what is pushed to them."""

import os
import socket
import sqlite3
import struct
import sys
import traceback
from collections.abc import Callable

from runtime.errors import EngineError
from runtime.supervisor.channel import Channel, Overflow
from runtime.supervisor.loop import READABLE, WRITABLE, Loop
from runtime.supervisor.protocol import (
    Answer,
    Incoming,
    Request,
    decode_request,
    encode_incoming,
    refusal,
)
from schemas.engine.events import EngineEvent

PAUSE_S = 0.5
_UCRED = struct.Struct("=iII")


class Client:
    """One connection."""

    def __init__(
        self, channel: Channel, loop: Loop, read: Callable[["Client"], None], gone: Callable[["Client"], None]
    ) -> None:
        self.channel = channel
        self.is_subscribed = False
        self.farewells: list[Callable[[], None]] = []
        """What is done when it is gone."""
        self._loop = loop
        self._read = read
        self._gone = gone
        loop.watch(channel.fileno(), self._readable)

    @property
    def is_open(self) -> bool:
        """Whether the other end is there, as far as known."""
        return self.channel.fileno() >= 0

    def push(self, incoming: Incoming, descriptors: tuple[int, ...] = ()) -> None:
        """Send something; a client that is gone or does not read is dropped."""
        if not self.is_open:
            return
        try:
            self.channel.send(encode_incoming(incoming), descriptors)
        except (OSError, Overflow):
            self._gone(self)
            return
        if self.channel.has_queued:
            self._loop.watch(self.channel.fileno(), self._writable, READABLE | WRITABLE)

    def _writable(self) -> None:
        try:
            self.channel.flush()
        except OSError:
            self._gone(self)
            return
        if not self.channel.has_queued:
            self._loop.watch(self.channel.fileno(), self._readable)
        self._readable()

    def _readable(self) -> None:
        self._read(self)


class Call:
    """One request of one client, to be answered once, now or later."""

    def __init__(self, client: Client, number: int, descriptors: list[int]) -> None:
        self.client = client
        self._number = number
        self._descriptors = descriptors

    def take_descriptors(self) -> list[int]:
        """Take over the descriptors that came along."""
        taken, self._descriptors = self._descriptors, []
        return taken

    def answer(self, answer: Answer | None = None, descriptors: tuple[int, ...] = ()) -> None:
        """Answer; the descriptors stay ours."""
        self.client.push(Incoming(self._number, answer or Answer()), descriptors)

    def refuse(self, error: EngineError) -> None:
        """Answer with an error."""
        self.answer(refusal(error))

    def conclude(self, error: EngineError | None) -> None:
        """Answer with an error or with success."""
        self.answer(refusal(error) if error is not None else None)

    def close_descriptors(self) -> None:
        """Close those that nobody took."""
        for descriptor in self.take_descriptors():
            os.close(descriptor)


Fulfil = Callable[[Request, Call], None]


class Server:
    """Accepts clients and hands their requests on."""

    def __init__(self, listener: int, loop: Loop, fulfil: Fulfil, crowd_changed: Callable[[], None]) -> None:
        self._listener = socket.socket(fileno=listener)
        self._listener.setblocking(False)
        self._loop = loop
        self._fulfil = fulfil
        self._crowd_changed = crowd_changed
        self._clients: set[Client] = set()
        loop.watch(self._listener.fileno(), self._accept)

    @property
    def is_alone(self) -> bool:
        """Whether no client is connected."""
        return not self._clients

    def publish(self, event: EngineEvent) -> None:
        """Push an event to those who subscribed."""
        for client in [client for client in self._clients if client.is_subscribed]:
            client.push(Incoming(event=event))

    def close(self) -> None:
        """Let every client go and stop listening."""
        for client in list(self._clients):
            self._drop(client)
        self._loop.unwatch(self._listener.fileno())
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                # No descriptor left: whoever waits in the queue is served once there is one again.
                sys.stderr.write(f"cannot accept a client: {error}\n")
                self._loop.unwatch(self._listener.fileno())
                self._loop.after(PAUSE_S, lambda: self._loop.watch(self._listener.fileno(), self._accept))
                return
            _, uid, _ = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
            if uid not in {0, os.geteuid()}:
                connection.close()
                continue
            self._clients.add(Client(Channel(connection), self._loop, self._read, self._drop))
            self._crowd_changed()

    def _read(self, client: Client) -> None:
        while client.is_open:
            try:
                received = client.channel.receive()
            except (EOFError, OSError):
                self._drop(client)
                return
            if received is None:
                return
            self._take(client, *received)

    def _take(self, client: Client, packet: bytes, descriptors: list[int]) -> None:
        call = Call(client, 0, descriptors)
        try:
            number, request = decode_request(packet)
            call = Call(client, number, call.take_descriptors())
            self._fulfil(request, call)
        except sqlite3.Error:
            raise
        except EngineError as error:
            call.refuse(error)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not leave the client waiting for ever
            traceback.print_exc(file=sys.stderr)
            call.refuse(EngineError(f"the supervisor failed: {error!r}", hint="its log has the details"))
        finally:
            call.close_descriptors()

    def _drop(self, client: Client) -> None:
        if client in self._clients:
            self._clients.discard(client)
            self._loop.unwatch(client.channel.fileno())
            client.channel.close()
            for farewell in client.farewells:
                farewell()
            self._crowd_changed()
