"""The network worker: makes bridges and sandboxes for a command that lives in another process.

A process of its own because entering a network namespace concerns a thread, because it starts while
the command still imports, and because it alone needs pyroute2. It serves one connection on
descriptor 3 and ends when the other side is closed, however that came about.
"""

import errno
import json
import os
import socket

from runtime.errors import InvalidArgument, SyscallError
from runtime.network import netlink
from runtime.network.messages import REQUESTS, DeleteLink, ListAliases, MakeBridge, MakeSandbox, Request
from runtime.network.netlink_socket import NETLINK_ROUTE, NetlinkSocket
from runtime.network.sandbox import delete_link, make_sandbox
from runtime.syscall.worker import CONNECTION, error_to_plain
from schemas.engine.codec import from_plain

MAXIMUM_BYTES = 1 << 17


def serve(connection: socket.socket) -> None:
    """Answer requests in order until the other side closes."""
    with NetlinkSocket(NETLINK_ROUTE) as host:
        while data := connection.recv(MAXIMUM_BYTES):
            descriptor = -1
            try:
                answer, descriptor = carry_out(host, _request(data))
                reply: dict[str, object] = {"answer": answer}
            except Exception as error:  # noqa: BLE001 - any failure is the requester's to know
                reply = {"error": error_to_plain(error)}
            descriptors = [] if descriptor < 0 else [descriptor]
            try:
                socket.send_fds(connection, [json.dumps(reply).encode()], descriptors)
            finally:
                for each in descriptors:
                    os.close(each)


def carry_out(host: NetlinkSocket, request: Request) -> tuple[dict[str, str], int]:
    """Do what is asked; return the answer and a descriptor, or -1."""
    if isinstance(request, MakeSandbox):
        return {}, make_sandbox(host, request)
    if isinstance(request, MakeBridge):
        _make_bridge(host, request)
    elif isinstance(request, DeleteLink):
        delete_link(host, request.name)
    elif isinstance(request, ListAliases):
        return netlink.aliases(), -1
    return {}, -1


def main() -> None:
    """Serve the connection that the starting process left on descriptor 3."""
    with socket.socket(fileno=CONNECTION) as connection:
        serve(connection)
    # The command waits for this process's end: no tidying of a heap that goes with it.
    os._exit(0)


def _request(data: bytes) -> Request:
    document = json.loads(data)
    kind = REQUESTS.get(document["call"])
    if kind is None:
        raise InvalidArgument(f"no such request: `{document['call']}`")
    return from_plain(kind, document["request"])


def _make_bridge(host: NetlinkSocket, request: MakeBridge) -> None:
    try:
        host.request(netlink.bridge(request.name, request.mac_address, request.mtu, request.alias))
    except SyscallError as error:
        if error.errno != errno.EEXIST:
            raise
    conf = f"ipv6/conf/{request.name}"
    # No router advertisements from a container (CVE-2020-13401).
    netlink.set_sysctls({f"{conf}/accept_ra": "0", f"{conf}/disable_ipv6": "0" if request.ipv6 else "1"})
    index = netlink.index(request.name)
    for address in request.addresses:
        try:
            host.request([(netlink.address(index, address), f"address {address} of {request.name}")])
        except SyscallError as error:
            if error.errno != errno.EEXIST:
                raise
    host.request([(netlink.up(index), request.name)])
