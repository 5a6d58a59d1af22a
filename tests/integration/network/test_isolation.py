"""Who reaches whom: the matrix of networks, the host and the outside."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.network.netlink_socket import CREATE, NETLINK_ROUTE, NetlinkSocket, attribute, message
from runtime.resolver import netns
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import IPAMPool, PortBinding
from tests.integration.network.conftest import Site
from tests.integration.network.connections import BLOCKED, OK, PATIENT_S, REFUSED, SHORT_S, connect, listen

Town = dict[str, int | None]


@pytest.fixture
def town(site: Site, outside: int) -> Iterator[Town]:
    """Networks a, b and i (internal); a1 publishes its port 80 as 8080, and 82 as 8082 on the loopback."""
    site.network("a", pools=(IPAMPool("172.40.0.0/16"),))
    site.network("b", pools=(IPAMPool("172.41.0.0/16"),))
    site.network("i", pools=(IPAMPool("172.42.0.0/16"),), internal=True)
    published = PortBinding(80, host_port=8080), PortBinding(82, host_ip="127.0.0.1", host_port=8082)
    placed: list[ContainerRecord] = [
        site.container("a1", "a", ports=published),
        site.container("a2", "a"),
        site.container("b1", "b"),
        site.container("i1", "i"),
        site.container("i2", "i"),
    ]
    assert [each.endpoints[0].ipv4_address for each in placed] == [
        "172.40.0.2",
        "172.40.0.3",
        "172.41.0.2",
        "172.42.0.2",
        "172.42.0.3",
    ]
    places: Town = {**site.sandboxes, "outside": outside, "host": None}
    servers = [listen(place, port) for name, place in places.items() if name != "host" for port in (80, 81, 82)]
    servers.append(listen(None, 9999, "127.0.0.1"))
    yield places
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    ("who", "address", "port", "expected"),
    [
        pytest.param("a2", "172.40.0.2", 81, OK, id="same network, unpublished port"),
        pytest.param("b1", "172.40.0.2", 80, BLOCKED, id="other network, straight to a published container port"),
        pytest.param("b1", "172.40.0.2", 81, BLOCKED, id="other network, straight to another port"),
        pytest.param("b1", "172.41.0.1", 8080, OK, id="other network, published, by its own gateway"),
        pytest.param("b1", "10.99.0.1", 8080, OK, id="other network, published, by the host's address"),
        pytest.param("outside", "10.99.0.1", 8080, OK, id="outside, published"),
        pytest.param("outside", "172.40.0.2", 80, BLOCKED, id="outside, routed straight to a published port"),
        pytest.param("outside", "172.40.0.2", 81, BLOCKED, id="outside, routed straight to another port"),
        pytest.param("host", "127.0.0.1", 8080, OK, id="host, published, by its loopback"),
        pytest.param("host", "127.0.0.1", 8082, OK, id="host, published on the loopback alone"),
        pytest.param("outside", "10.99.0.1", 8082, REFUSED, id="outside, published on the loopback alone"),
        pytest.param("host", "172.40.0.2", 81, OK, id="host, straight"),
        pytest.param("a1", "10.99.0.2", 80, OK, id="to the outside"),
        pytest.param("i1", "10.99.0.2", 80, BLOCKED, id="internal to the outside"),
        pytest.param("i1", "172.42.0.3", 80, OK, id="internal, same network"),
        pytest.param("i1", "172.40.0.2", 80, BLOCKED, id="internal to another network"),
        pytest.param("i1", "172.42.0.1", 8080, BLOCKED, id="internal, published, by its gateway"),
        pytest.param("b1", "172.42.0.2", 80, BLOCKED, id="other network to internal"),
        pytest.param("a1", "10.99.0.1", 8080, OK, id="to its own published port (hairpin)"),
        pytest.param("a2", "10.99.0.1", 8080, OK, id="to a neighbour's published port"),
        pytest.param("b1", "127.0.0.1", 9999, REFUSED, id="a container's loopback is its own"),
    ],
)
def test_a_connection_must_be_let_through_only_where_it_should(
    town: Town, who: str, address: str, port: int, expected: str
) -> None:
    """Networks are isolated from one another and from the outside, but for published ports."""
    assert connect(town[who], address, port, SHORT_S if expected == BLOCKED else PATIENT_S) == expected


def test_the_outside_must_see_the_hosts_address(town: Town, outside: int) -> None:
    """What leaves a network carries the host's address, so that answers find back."""
    with listen(outside, 4000) as server:
        assert connect(town["a1"], "10.99.0.2", 4000) == OK
        accepted, address = server.accept()
        accepted.close()
        assert address[0] == "10.99.0.1"


@pytest.mark.parametrize(("port", "by"), [(9999, "172.41.0.1"), (8082, "172.41.0.1")])
def test_a_container_must_not_reach_the_hosts_loopback(town: Town, port: int, by: str) -> None:
    """A crafted route for 127/8 by the gateway leads nowhere (class of CVE-2020-8558)."""
    namespace = town["b1"]
    assert namespace is not None
    with netns.inside(namespace):
        Path("/proc/sys/net/ipv4/conf/eth0/route_localnet").write_text("1")
        _route_loopback_by(by)
    assert connect(namespace, "127.0.0.1", port, SHORT_S) == BLOCKED


def test_containers_must_not_talk_where_icc_is_off(site: Site) -> None:
    """enable_icc=false keeps the containers of one network apart."""
    if not Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists():
        pytest.skip("needs br_netfilter")
    site.network("quiet", driver_options={"com.docker.network.bridge.enable_icc": "false"})
    one, other = site.container("one", "quiet"), site.container("other", "quiet")
    with listen(site.sandboxes["one"], 80):
        assert connect(site.sandboxes["other"], one.endpoints[0].ipv4_address, 80, SHORT_S) == BLOCKED
        assert other.endpoints[0].ipv4_address != one.endpoints[0].ipv4_address


def _route_loopback_by(gateway: str) -> None:
    """Take 127.0.0.1 away and send its subnet by a gateway, as an attacker with NET_ADMIN would."""
    own = struct.pack("=BBBBI", socket.AF_INET, 8, 0, 254, 1) + attribute(2, socket.inet_aton("127.0.0.1"))
    route = struct.pack("=BBBBBBBBI", socket.AF_INET, 8, 0, 0, 254, 3, 0, 1, 0)
    route += attribute(1, socket.inet_aton("127.0.0.0")) + attribute(5, socket.inet_aton(gateway))
    with NetlinkSocket(NETLINK_ROUTE) as netlink:
        netlink.request([(message(21, 0, own), "the address"), (message(24, CREATE, route), "the route")])
