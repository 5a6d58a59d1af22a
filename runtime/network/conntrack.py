"""Forgetting UDP flows: a flow that goes on would bypass a port's new rule (or keep an old one's target).

Source: include/uapi/linux/netfilter/nfnetlink_conntrack.h.
"""

import errno
import struct
from collections.abc import Collection

from runtime.errors import SyscallError
from runtime.network.netlink_socket import DUMP, NETLINK_NETFILTER, NetlinkSocket, attributes, message, nested

_SUBSYSTEM = 1 << 8
_GET, _DELETE = 1, 2
_ORIGINAL = 1
_TUPLE_PROTOCOL = 2
_PROTOCOL_NUMBER, _DESTINATION_PORT = 1, 3
_NFGEN_BYTES = 4
_UDP = 17


def forget_udp(ports: Collection[int]) -> None:
    """Delete the tracked UDP flows to these ports of the host. Does nothing without connection tracking."""
    if not ports:
        return
    wanted = {struct.pack(">H", port) for port in ports}
    try:
        with NetlinkSocket(NETLINK_NETFILTER) as netlink:
            for family in (2, 10):
                _forget(netlink, family, wanted)
    except SyscallError as error:
        if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOENT}:
            raise


def _forget(netlink: NetlinkSocket, family: int, wanted: Collection[bytes]) -> None:
    header = struct.pack("=BBH", family, 0, 0)
    for _, flow in netlink.dump(message(_SUBSYSTEM | _GET, DUMP, header)):
        original = attributes(flow, _NFGEN_BYTES).get(_ORIGINAL, b"")
        protocol = attributes(attributes(original).get(_TUPLE_PROTOCOL, b""))
        if protocol.get(_PROTOCOL_NUMBER) != bytes([_UDP]) or protocol.get(_DESTINATION_PORT) not in wanted:
            continue
        try:
            netlink.request([(message(_SUBSYSTEM | _DELETE, 0, header + nested(_ORIGINAL, original)), "flow")])
        except SyscallError as error:
            # It ended by itself in between.
            if error.errno != errno.ENOENT:
                raise
