"""What passes from one process of the pair to the next: settings, descriptors, exit codes.

Both roles are code, not processes. Whoever forks hands over an Estate; the descriptors in it are
inherited by the fork, their names by the memory.
"""

import json
import socket
from dataclasses import field
from typing import NamedTuple

from runtime.paths import Paths
from schemas.dataclass import dataclass

LOCK_DESCRIPTOR = 3
LISTENER_DESCRIPTOR = 4
"""The numbers under which the client gives them to the first process."""


@dataclass(slots=True)
class Estate:
    """Everything a new supervisor needs to go on where the last one was killed."""

    paths: Paths
    project: str
    lock: int
    """Holds the flock that makes the pair the project's only one; any holder of it keeps it locked."""
    listener: int
    """The listening control socket: connections wait in it while there is no supervisor."""
    holdings: dict[str, int] = field(default_factory=dict)
    """Descriptors that outlive a supervisor, by name: `stdout:<container id>`, `pidfd:<container id>` …"""
    exits: dict[int, int] = field(default_factory=dict)
    """Wait statuses, by pid, that the keeper reaped and no supervisor has confirmed to have recorded."""


class LinkMessage(NamedTuple):
    """One line between keeper and supervisor; exactly one field is set."""

    hold: tuple[str, ...] = ()
    """To the keeper: names for the descriptors that come along."""
    drop: tuple[str, ...] = ()
    """To the keeper: close these."""
    confirm: int = 0
    """To the keeper: the exit of this pid is recorded."""
    farewell: bool = False
    """To the keeper: no container runs; do not start a supervisor again."""
    exited: tuple[int, int] = (0, 0)
    """To the supervisor: pid and wait status of an orphan."""


def encode(message: LinkMessage) -> bytes:
    """Return the packet of a message."""
    return json.dumps(
        [message.hold, message.drop, message.confirm, message.farewell, message.exited], separators=(",", ":")
    ).encode()


def decode(packet: bytes) -> LinkMessage:
    """Return the message of a packet that `encode` made."""
    hold, drop, confirm, farewell, (pid, status) = json.loads(packet)
    return LinkMessage(tuple(hold), tuple(drop), confirm, farewell, (pid, status))


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a link: (keeper's, supervisor's)."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
