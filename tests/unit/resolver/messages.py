"""DNS messages as a client writes and reads them, independent of the code under test."""

import socket
import struct
from dataclasses import dataclass

TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33}


@dataclass
class Reply:
    identifier: int
    code: int
    truncated: bool
    recursion_available: bool
    records: list[tuple[int, int, bytes]]
    """(type, TTL, content)."""
    additional: int

    @property
    def addresses(self) -> list[str]:
        return [
            socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, content)
            for kind, _, content in self.records
        ]


def question(name: str, kind: str = "A", *, identifier: int = 0x1234, size: int = 0, group: int = 1) -> bytes:
    """Return a query; with `size`, EDNS says how long an answer may be."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".") if label)
    header = struct.pack(">HHHHHH", identifier, 0x0100, 1, 0, 0, 1 if size else 0)
    options = b"\0" + struct.pack(">HHIH", 41, size, 0, 0) if size else b""
    return header + labels + b"\0" + struct.pack(">HH", TYPES[kind], group) + options


def read(data: bytes) -> Reply:
    identifier, flags, questions, answers, _, additional = struct.unpack_from(">HHHHHH", data)
    assert flags & 0x8000, "not a response"
    offset = 12
    for _ in range(questions):
        offset = _skip_name(data, offset) + 4
    records = []
    for _ in range(answers):
        offset = _skip_name(data, offset)
        kind, _, ttl, length = struct.unpack_from(">HHIH", data, offset)
        records.append((kind, ttl, data[offset + 10 : offset + 10 + length]))
        offset += 10 + length
    return Reply(identifier, flags & 0xF, bool(flags & 0x0200), bool(flags & 0x0080), records, additional)


def _skip_name(data: bytes, offset: int) -> int:
    while length := data[offset]:
        if length & 0xC0:
            return offset + 2
        offset += length + 1
    return offset + 1
