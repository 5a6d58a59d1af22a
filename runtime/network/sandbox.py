"""A sandbox: the network stack of a container, a network namespace that belongs to the project.

It has no name and no mount: whoever holds its descriptor keeps it. When the last is closed and no
process lives in it, the kernel removes it with its interfaces, the veths' ends on the host included.
Runs in the network worker, which has one thread.
"""

import errno
import ipaddress
import os
from pathlib import Path

from runtime.errors import EngineError, NotFound, SyscallError
from runtime.network import netlink, nft_expressions, nftables
from runtime.network.messages import MakeSandbox, SandboxEndpoint
from runtime.network.netlink_socket import NETLINK_ROUTE, NetlinkSocket
from runtime.network.nftables import Chain, Rule, Table
from runtime.resolver import netns
from runtime.resolver.sockets import RESOLVER_ADDRESS, RESOLVER_PORT

_LOOPBACK_INDEX = 1
_BRIDGE_FILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


class Sandbox:
    """A network namespace with its interfaces, while it is being made."""

    def __init__(self, host: NetlinkSocket) -> None:
        """Make an empty one. `host` is a route socket in the host's namespace, where the caller is."""
        self._host = host
        home = netns.current()
        try:
            netns.make()
            try:
                self.descriptor = netns.current()
                self._inside = NetlinkSocket(NETLINK_ROUTE)
                # For the interfaces to come; the loopback keeps ::1, as in Docker.
                netlink.set_sysctls({"ipv6/conf/default/disable_ipv6": "1", "ipv6/conf/default/accept_ra": "0"})
            finally:
                netns.enter(home)
        finally:
            os.close(home)

    def attach(self, endpoint: SandboxEndpoint) -> None:
        """Make one interface, its other end on the host. Raises NotFound (bridge, parent), SyscallError."""
        try:
            self._create(endpoint)
        except SyscallError as error:
            if error.errno != errno.EEXIST or endpoint.kind != "veth":
                raise
            # Of a sandbox of the same container that the kernel has not yet cleared away.
            delete_link(self._host, endpoint.host_interface)
            self._create(endpoint)

    def configure(self, endpoints: tuple[SandboxEndpoint, ...], *, resolver: bool) -> None:
        """Give addresses, set up, add routes; redirect DNS queries to the embedded server."""
        messages = [(netlink.up(_LOOPBACK_INDEX), "lo")]
        with netns.inside(self.descriptor):
            for endpoint in endpoints:
                if endpoint.ipv6:
                    netlink.set_sysctls({f"ipv6/conf/{endpoint.interface}/disable_ipv6": "0"})
                messages += _configuring(endpoint, netlink.index(endpoint.interface))
            messages += [
                (netlink.default_route(gateway), f"default route by {gateway}")
                for endpoint in endpoints
                for gateway in endpoint.gateways
            ]
            if resolver:
                nftables.commit(nftables.creating(resolver_table()))
        self._inside.request(messages)

    def close(self) -> None:
        """Release what making it needed, but for the descriptor."""
        self._inside.close()

    def _create(self, endpoint: SandboxEndpoint) -> None:
        peer: dict[str, str | int] = {
            "name": endpoint.interface,
            "mac_address": endpoint.mac_address,
            "netns": self.descriptor,
        }
        link = netlink.index(endpoint.link)
        if endpoint.kind == "macvlan":
            made = netlink.macvlan(link, endpoint.mode, endpoint.mtu, peer)
            self._host.request([(made, f"macvlan on {endpoint.link}")])
            return
        messages = [(netlink.veth(endpoint.host_interface, link, endpoint.mtu, peer), endpoint.host_interface)]
        if _bridges_filter():
            # Then a redirected frame of a container to itself is bridged, not routed.
            messages.append((netlink.hairpin(endpoint.host_interface), f"hairpin of {endpoint.host_interface}"))
        self._host.request(messages)


def make_sandbox(host: NetlinkSocket, request: MakeSandbox) -> int:
    """Make a sandbox; return the descriptor that keeps it. On an error nothing is left."""
    sandbox = Sandbox(host)
    try:
        for endpoint in request.endpoints:
            sandbox.attach(endpoint)
        sandbox.configure(request.endpoints, resolver=request.resolver)
    except BaseException as error:
        os.close(sandbox.descriptor)
        if isinstance(error, NotFound):
            raise EngineError(
                f"cannot connect the sandbox: {error.message}", hint="`up` again makes missing networks"
            ) from error
        raise
    finally:
        sandbox.close()
    return sandbox.descriptor


def delete_link(host: NetlinkSocket, name: str) -> None:
    """Delete a link, or find that there is none."""
    try:
        host.request([(netlink.delete(netlink.index(name)), name)])
    except NotFound:
        return
    except SyscallError as error:
        if error.errno != errno.ENODEV:
            raise


def resolver_table() -> Table:
    """Return the rules inside a sandbox that lead queries to the resolver's own port.

    The resolver does not listen on 53 itself, so that a program of the container may.
    """
    server = ipaddress.ip_address(RESOLVER_ADDRESS)
    to_server = nft_expressions.version(4), nft_expressions.destination(nftables.network(RESOLVER_ADDRESS))
    return Table(
        "pycompose_resolver",
        (Chain("output", "output", -100, "nat"),),
        tuple(
            Rule(
                "output",
                (*to_server, nft_expressions.port(protocol, 53), nft_expressions.dnat(server, RESOLVER_PORT)),
            )
            for protocol in ("udp", "tcp")
        ),
    )


def _configuring(endpoint: SandboxEndpoint, index: int) -> list[tuple[bytes, str]]:
    given = [(netlink.address(index, each), f"address {each}") for each in endpoint.addresses]
    return [*given, (netlink.up(index), endpoint.interface)]


def _bridges_filter() -> bool:
    try:
        return _BRIDGE_FILTER.read_text().strip() == "1"
    except OSError:
        return False
