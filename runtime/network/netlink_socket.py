"""Netlink's transport: attributes, messages, one send for several requests, errors in the kernel's words.

Sources: netlink(7), include/uapi/linux/netlink.h. Standard library only. A message is its bytes with
the header of 16; its sequence number is filled in when it is sent.
"""

import socket
import struct
from collections.abc import Sequence
from types import TracebackType

from runtime.errors import SyscallError

NETLINK_ROUTE = 0
NETLINK_NETFILTER = 12

REQUEST = 0x1
ACK = 0x4
DUMP = 0x300
REPLACE = 0x100
EXCLUSIVE = 0x200
CREATE = 0x400
APPEND = 0x800

_SOL_NETLINK = 270
_SNDBUFFORCE = 32
_CAP_ACK = 10
_EXT_ACK = 11
_ERROR = 2
_DONE = 3
_NESTED = 0x8000
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_TIMEOUT_S = 10.0
_RECEIVE_BYTES = 1 << 17
_ERROR_HEADER_BYTES = 20
"""struct nlmsgerr: the number and, with NETLINK_CAP_ACK, the refused message's header alone."""


def attribute(kind: int, data: bytes = b"") -> bytes:
    """Return one attribute, padded to 4 bytes."""
    length = 4 + len(data)
    return _ATTRIBUTE.pack(length, kind) + data + bytes(-length % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    """Return an attribute that holds attributes."""
    return attribute(kind | _NESTED, b"".join(attributes))


def text(kind: int, value: str) -> bytes:
    """Return an attribute with a NUL-terminated string."""
    return attribute(kind, value.encode() + b"\0")


def message(kind: int, flags: int, body: bytes) -> bytes:
    """Return a request without a sequence number."""
    return _HEADER.pack(_HEADER.size + len(body), kind, REQUEST | flags, 0, 0) + body


def attributes(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """Return the attributes in `data` by kind; the last of a kind wins."""
    return dict(attribute_list(data, offset))


def attribute_list(data: bytes, offset: int = 0) -> list[tuple[int, bytes]]:
    """Return the attributes in `data` in order, for lists where kinds repeat."""
    found = []
    while offset + 4 <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < 4:
            break
        found.append((kind & ~_NESTED, data[offset + 4 : offset + length]))
        offset += (length + 3) & ~3
    return found


class NetlinkSocket:
    """A socket of one netlink family, in the network namespace where it was opened."""

    def __init__(self, protocol: int) -> None:
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        except OSError as error:
            raise SyscallError(error.errno or 0, "socket", "netlink") from error
        self._socket.bind((0, 0))
        self._socket.settimeout(_TIMEOUT_S)
        self._socket.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        self._sequence = 0

    def __enter__(self) -> "NetlinkSocket":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def request(self, messages: Sequence[tuple[bytes, str]]) -> None:
        """Send requests in one go, each with a word on what it is about; return when all are done.

        The kernel carries them out in order and goes on after a failure; the first one is raised as
        SyscallError. Only the last is asked for an acknowledgement: failures are always reported.
        """
        data, subjects = self._numbered(messages)
        self._send(data)
        self._wait(subjects, last=self._sequence)

    def batch(self, begin: bytes, messages: Sequence[tuple[bytes, str]], end: bytes) -> None:
        """Send an atomic batch (nfnetlink): either everything takes place or SyscallError is raised."""
        opening, first = self._numbered([(begin, "begin")], acknowledge=False)
        body, subjects = self._numbered(messages)
        last = self._sequence
        closing, _ = self._numbered([(end, "end")], acknowledge=False)
        self._send(opening + body + closing)
        self._wait({**first, **subjects}, last=last, whole=next(iter(first)))

    def dump(self, request: bytes) -> list[tuple[int, bytes]]:
        """Return (type, body) of every message of an answer. Raises SyscallError."""
        data, subjects = self._numbered([(request, "dump")], acknowledge=False)
        self._send(data)
        answers: list[tuple[int, bytes]] = []
        multiple = bool(struct.unpack_from("=H", request, 6)[0] & DUMP)
        while True:
            for kind, _, sequence, body in self._receive():
                if sequence not in subjects:
                    continue
                if kind == _ERROR:
                    _raise_if_error(body, "netlink")
                    return answers
                if kind == _DONE:
                    return answers
                answers.append((kind, body))
            if answers and not multiple:
                return answers

    def _numbered(
        self, messages: Sequence[tuple[bytes, str]], *, acknowledge: bool = True
    ) -> tuple[bytearray, dict[int, str]]:
        data = bytearray()
        subjects = {}
        for position, (each, subject) in enumerate(messages, 1):
            self._sequence += 1
            start = len(data)
            data += each
            data += bytes(-len(each) % 4)
            struct.pack_into("=I", data, start + 8, self._sequence)
            if acknowledge and position == len(messages):
                (flags,) = struct.unpack_from("=H", data, start + 6)
                struct.pack_into("=H", data, start + 6, flags | ACK)
            subjects[self._sequence] = subject
        return data, subjects

    def _send(self, data: bytearray) -> None:
        # One datagram must fit the socket's buffer: the default is enough for some 500 rules.
        if len(data) > 1 << 16:
            self._socket.setsockopt(socket.SOL_SOCKET, _SNDBUFFORCE, 2 * len(data))
        try:
            self._socket.send(data)
        except OSError as error:
            raise SyscallError(error.errno or 0, "send", "netlink") from error

    def _wait(self, subjects: dict[int, str], *, last: int, whole: int = -1) -> None:
        failure: tuple[bytes, str] | None = None
        while True:
            for kind, _, sequence, body in self._receive():
                if kind != _ERROR or sequence not in subjects:
                    continue
                if failure is None and struct.unpack_from("=i", body)[0]:
                    failure = body, subjects[sequence]
                if sequence in {last, whole}:
                    if failure is not None:
                        _raise_if_error(*failure)
                    return

    def _receive(self) -> list[tuple[int, int, int, bytes]]:
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except OSError as error:
            raise SyscallError(error.errno or 0, "recv", "netlink") from error
        found = []
        offset = 0
        while offset + _HEADER.size <= len(data):
            length, kind, flags, sequence, _ = _HEADER.unpack_from(data, offset)
            found.append((kind, flags, sequence, data[offset + _HEADER.size : offset + length]))
            offset += (length + 3) & ~3
        return found


def _raise_if_error(body: bytes, subject: str) -> None:
    (number,) = struct.unpack_from("=i", body)
    if number == 0:
        return
    words = attributes(body, _ERROR_HEADER_BYTES).get(1, b"").rstrip(b"\0").decode(errors="replace")
    raise SyscallError(-number, "netlink", f"{subject}: {words}" if words else subject)
