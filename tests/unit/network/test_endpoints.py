"""Where a container stands: interfaces, names, default route."""

import pytest

from runtime.errors import InvalidArgument
from runtime.network import creation, endpoints
from schemas.engine.identifiers import NetworkID
from schemas.engine.records import NetworkRecord
from schemas.engine.specs import ContainerSpec, EndpointSpec, IPAMPool, NetworkSpec

ID = "0123456789abcdef" * 4


def network(name: str, *, internal: bool = False, subnet: str = "172.18.0.0/16") -> NetworkRecord:
    spec = NetworkSpec(name, internal=internal)
    return NetworkRecord(NetworkID(name), spec, 0, f"pc-{name}", subnet, subnet.replace(".0.0/16", ".0.1"))


def test_a_container_must_answer_to_its_names() -> None:
    """Container name, aliases (of which the service is one), short id, host name; each once."""
    spec = ContainerSpec("shop-web-1", "i", hostname="box")
    assert endpoints.names_of(ID, spec, EndpointSpec("n", aliases=("web", "www", "web"))) == (
        "shop-web-1",
        "web",
        "www",
        "0123456789ab",
        "box",
    )
    assert endpoints.names_of(ID, spec, EndpointSpec("bridge")) == (), "Docker's default network resolves no names"


def test_priority_must_order_the_interfaces() -> None:
    """Highest first; equal ones as they are written."""
    spec = ContainerSpec("c", "i", endpoints=(EndpointSpec("a"), EndpointSpec("b", priority=5), EndpointSpec("c")))
    assert [each.network for each in endpoints.in_order(spec)] == ["b", "a", "c"]


def test_the_default_route_must_go_by_the_highest_gateway_priority() -> None:
    """Then by name; never by an internal network."""
    known = {name: network(name) for name in ("a", "b", "c")} | {"i": network("i", internal=True)}
    a, b, c, i = EndpointSpec("a"), EndpointSpec("b"), EndpointSpec("c", gateway_priority=1), EndpointSpec("i")
    assert endpoints.gateway_of([b, a], known) == "a"
    assert endpoints.gateway_of([a, b, c], known) == "c"
    assert endpoints.gateway_of([EndpointSpec("i", gateway_priority=9), b], known) == "b"
    assert endpoints.gateway_of([i], known) == ""


def test_an_endpoint_must_be_the_same_after_each_start() -> None:
    """Names of links follow from ids, the hardware address from the IP address."""
    first = endpoints.allocated(ID, EndpointSpec("n"), network("n"), [], 1)
    assert first == endpoints.allocated(ID, EndpointSpec("n"), network("n"), [], 1)
    assert (first.interface, first.host_interface, first.ipv4_address) == ("eth1", "pv01234567891", "172.18.0.2")
    assert first.mac_address == "02:42:ac:12:00:02"
    chosen = EndpointSpec("n", mac_address="02:42:ac:11:00:02", interface_name="lan0")
    other = endpoints.allocated(ID, chosen, network("n"), [], 0)
    assert (other.mac_address, other.interface) == ("02:42:ac:11:00:02", "lan0")


def test_a_network_must_keep_the_subnet_it_asked_for() -> None:
    """With its gateway; an IPv6 subnet only where it is enabled."""
    asked = NetworkSpec("n", pools=(IPAMPool("10.5.0.0/16", "10.5.0.254"), IPAMPool("fd11::/64")), enable_ipv6=True)
    made = creation.new_network(asked, [], created_ns=1)
    assert (made.subnet, made.gateway, made.ipv6_subnet, made.ipv6_gateway) == (
        "10.5.0.0/16",
        "10.5.0.254",
        "fd11::/64",
        "fd11::1",
    )
    assert creation.bridge_addresses(made) == ("10.5.0.254/16", "fd11::1/64")
    assert creation.new_network(NetworkSpec("m"), [made], created_ns=1).ipv6_subnet == ""


@pytest.mark.parametrize("name", ["../../kernel", "..", "a b", "sixteen-letters-"])
def test_an_interface_name_that_cannot_be_must_be_refused(name: str) -> None:
    """It becomes part of paths below /proc/sys."""
    with pytest.raises(InvalidArgument, match="is no interface name"):
        endpoints.allocated(ID, EndpointSpec("n", interface_name=name), network("n"), [], 0)
