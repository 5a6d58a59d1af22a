"""Networks and sandboxes from their making to their end."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from runtime.errors import AlreadyExists, Conflict, FailedPrecondition, NotFound, Unavailable, Unsupported
from runtime.network import netlink, nftables
from runtime.network.controller import NetworkController
from runtime.network.messages import ListAliases
from runtime.network.netlink_socket import NETLINK_ROUTE, NetlinkSocket
from runtime.network.sandbox import delete_link
from runtime.resolver import netns
from runtime.state import journal, networks
from schemas.engine.identifiers import new_id
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ContainerSpec, EndpointSpec, IPAMPool, NetworkSpec, PortBinding
from tests.integration.network.conftest import Site, nft_tables
from tests.integration.network.connections import BLOCKED, OK, SHORT_S, connect, listen


def links() -> set[str]:
    return {name for _, name in socket.if_nameindex()}


def test_a_network_must_be_a_bridge_with_the_gateways_address(site: Site) -> None:
    """Made once; an equal request changes nothing, another one is refused."""
    spec = NetworkSpec("shop_default", "shop")
    made = site.controller.create_network(spec)
    assert made.bridge in links()
    assert (made.subnet, made.gateway) == ("172.18.0.0/16", "172.18.0.1")
    assert site.controller.create_network(spec) == made
    with pytest.raises(AlreadyExists, match="shop_default"):
        site.controller.create_network(NetworkSpec("shop_default", "shop", internal=True))
    assert site.controller._worker.ask(ListAliases())[made.bridge].endswith(" shop_default")
    assert [event.action for event in journal.events(site.database.read())] == ["create"]


def test_a_network_in_use_must_stay(site: Site) -> None:
    """The error names who stands on it."""
    site.network("n")
    web = site.container("web", "n")
    with pytest.raises(FailedPrecondition, match="network `n` has active endpoints") as error:
        site.controller.remove_network(networks.find(site.database.read(), "n"))
    assert f'name:"web" id:"{web.id[:12]}"' in error.value.message


def test_a_removed_network_must_leave_nothing(site: Site) -> None:
    """No bridge, no row, with the last one no table; the subnet is free again."""
    for _ in range(2):
        site.network("n")
        site.controller.apply_firewall("shop")
        assert nft_tables() != []
        record = networks.find(site.database.read(), "n")
        assert record.subnet == "172.18.0.0/16"
        site.controller.remove_network(record)
        site.controller.remove_network(record)
        assert record.bridge not in links()
        assert nft_tables() == []
        with pytest.raises(NotFound):
            networks.find(site.database.read(), "n")


def test_a_failed_network_must_leave_nothing(site: Site) -> None:
    """A subnet that is taken, an interface that cannot be: no row, no bridge."""
    site.network("n", pools=(IPAMPool("10.5.0.0/16"),))
    before = links()
    with pytest.raises(Conflict, match="pool overlaps"):
        site.network("m", pools=(IPAMPool("10.5.7.0/24"),))
    with pytest.raises(Unsupported, match="overlay"):
        site.network("o", driver="overlay")
    assert links() == before
    assert [each.name for each in networks.all_of(site.database.read())] == ["n"]


def test_a_bridge_of_the_host_must_not_be_taken_over(site: Site, outside: int) -> None:
    """Named in driver_opts, but somebody else's: refused, and still there afterwards."""
    with pytest.raises(Conflict, match="the host has an interface `outside` already"):
        site.network("n", driver_options={"com.docker.network.bridge.name": "outside"})
    assert "outside" in links()
    assert networks.all_of(site.database.read()) == []


def test_the_hosts_routes_must_be_avoided(site: Site, outside: int) -> None:
    """A VPN's or Docker's subnet is in the routes, not in the state."""
    with NetlinkSocket(NETLINK_ROUTE) as route:
        route.request([(netlink.address(netlink.index("outside"), "172.18.4.1/24"), "address")])
    site.network("n")
    assert networks.find(site.database.read(), "n").subnet == "172.19.0.0/16"
    with pytest.raises(Conflict, match="overlaps") as error:
        site.network("m", pools=(IPAMPool("10.99.0.0/24"),))
    assert "outside" in error.value.hint


def test_a_containers_interfaces_must_be_as_asked(site: Site) -> None:
    """Two networks, static address, hardware address, name, MTU; the default route by the higher gateway priority."""
    site.network("front", pools=(IPAMPool("10.5.0.0/16"),), driver_options={"com.docker.network.driver.mtu": "1400"})
    site.network("back", internal=True)
    spec = ContainerSpec(
        "web",
        "i",
        project="shop",
        endpoints=(
            EndpointSpec("back"),
            EndpointSpec("front", ipv4_address="10.5.7.7", mac_address="02:42:0a:05:07:07", interface_name="lan0"),
        ),
    )
    with site.database.transaction() as connection:
        places = site.controller.allocate(connection, new_id(), spec)
        connection.execute("DELETE FROM endpoints")
    descriptor = site.controller.create_sandbox(new_id(), "shop", places)
    try:
        with netns.inside(descriptor):
            assert links() == {"lo", "eth0", "lan0"}
            assert Path("/proc/thread-self/net/route").read_text().splitlines()[1].split()[:3] == [
                "lan0",
                "00000000",
                "0100050A",
            ]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.connect(("192.0.2.1", 9))
                assert probe.getsockname()[0] == "10.5.7.7"
    finally:
        os.close(descriptor)


def test_thirty_sandboxes_must_have_thirty_addresses(site: Site) -> None:
    """Each reaches the gateway; no address twice."""
    site.network("n")
    made = [site.container(f"c{each}", "n") for each in range(30)]
    assert len({each.endpoints[0].ipv4_address for each in made}) == 30
    with listen(None, 80):
        assert all(connect(site.sandboxes[each.name], "172.18.0.1", 80) == OK for each in made)


def test_a_sandbox_must_vanish_with_its_descriptor(site: Site) -> None:
    """Its veth's end on the host too; a new sandbox of the same container is made at once."""
    site.network("n")
    web = site.container("web", "n")
    host_end = web.endpoints[0].host_interface
    assert host_end in links()
    os.close(site.sandboxes.pop("web"))
    descriptor = site.controller.create_sandbox(web.id, "shop", web.endpoints)
    assert host_end in links()
    os.close(descriptor)
    deadline = time.monotonic() + 5
    while host_end in links() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert host_end not in links()


def test_the_default_network_must_be_there_when_needed(site: Site) -> None:
    """A container that names no network stands on `bridge`, where names do not resolve."""
    web = site.container("web")
    assert (web.endpoints[0].network, web.endpoints[0].names) == ("bridge", ())
    assert networks.find(site.database.read(), "bridge").bridge in links()
    with pytest.raises(NotFound, match="network `nowhere` not found"):
        site.container("other", "nowhere")


def test_what_a_reboot_took_must_come_back(site: Site) -> None:
    """Bridges and rules are made again by the next start, or by `reconcile`."""
    site.network("n")
    web = site.container("web", "n", ports=(PortBinding(80, host_port=8080),))
    os.close(site.sandboxes.pop("web"))
    _lose_everything(web)
    later = NetworkController(site.database, site.paths)
    try:
        site.sandboxes["web"] = later.create_sandbox(web.id, "shop", web.endpoints)
        with listen(site.sandboxes["web"], 80):
            assert connect(None, "127.0.0.1", 8080) == OK
            _lose_everything(None)
            later.reconcile("shop")
            assert nft_tables() != []
    finally:
        later.close()


def test_what_a_crash_left_must_go(site: Site) -> None:
    """A bridge of ours without a row is removed; those of others stay."""
    site.network("n")
    lost = site.controller.create_network(NetworkSpec("lost", "shop"))
    with site.database.transaction() as connection:
        networks.remove(connection, lost.id)
    with NetlinkSocket(NETLINK_ROUTE) as route:
        route.request(netlink.bridge("pc-foreign", "02:00:00:00:00:09", 1500, "somebody else's"))
        site.controller.reconcile("shop")
        assert lost.bridge not in links()
        assert "pc-foreign" in links()
        delete_link(route, "pc-foreign")


def test_a_dead_worker_must_be_told(site: Site) -> None:
    """Not a hang."""
    site.network("n")
    os.kill(site.controller._worker._pid, signal.SIGKILL)
    with pytest.raises(Unavailable, match="network worker"):
        site.network("m")
    site.network("m")
    assert [each.name for each in networks.all_of(site.database.read())] == ["m", "n"]


def test_ipv6_must_work_where_it_is_enabled(site: Site, outside: int) -> None:
    """Addresses, gateway, isolation and published ports, as for IPv4; elsewhere there is none."""
    site.network("six", enable_ipv6=True)
    site.network("four")
    web = site.container("web", "six", ports=(PortBinding(80, host_port=8080),))
    site.container("near", "six")
    site.container("far", "four")
    own = web.endpoints[0].ipv6_address
    assert own.startswith("fd")
    assert [(port.host_ip, port.host_port) for port in web.ports] == [("0.0.0.0", 8080), ("::", 8080)]
    with listen(site.sandboxes["web"], 80, "::"), listen(site.sandboxes["web"], 81, "::"):
        assert connect(site.sandboxes["near"], own, 81) == OK
        assert connect(None, own, 81) == OK
        assert connect(None, web.endpoints[0].ipv6_gateway, 8080) == OK
        assert connect(site.sandboxes["near"], web.endpoints[0].ipv6_gateway, 8080) == OK
        assert connect(site.sandboxes["far"], own, 81, SHORT_S) == BLOCKED
        with netns.inside(site.sandboxes["far"]):
            assert not Path("/proc/thread-self/net/if_inet6").read_text().count("eth0")


def test_a_macvlan_must_stand_beside_its_parent(site: Site, outside: int) -> None:
    """Two containers on the parent's network reach one another and the outside, without any rule of ours."""
    pool = IPAMPool("10.99.0.0/24", "10.99.0.1", "10.99.0.128/25")
    try:
        site.network("lan", driver="macvlan", driver_options={"parent": "outside"}, pools=(pool,))
        one, other = site.container("one", "lan"), site.container("other", "lan")
    except Unsupported as error:
        pytest.skip(str(error))
    assert one.endpoints[0].ipv4_address == "10.99.0.128"
    with listen(site.sandboxes["other"], 80), listen(outside, 80):
        assert connect(site.sandboxes["one"], other.endpoints[0].ipv4_address, 80) == OK
        assert connect(site.sandboxes["one"], "10.99.0.2", 80) == OK


def test_a_missing_parent_must_be_named(site: Site) -> None:
    """macvlan on an interface the host has not."""
    site.network("lan", driver="macvlan", driver_options={"parent": "eth99"}, pools=(IPAMPool("10.98.0.0/24"),))
    with pytest.raises(Exception, match="eth99"):
        site.container("one", "lan")


def _lose_everything(container: ContainerRecord | None) -> None:
    """As a reboot: no bridge, no rule, no veth."""
    with NetlinkSocket(NETLINK_ROUTE) as route:
        for name in links() - {"lo"}:
            if name.startswith(("pc-", "pv")) and (container is not None or name.startswith("pc-")):
                delete_link(route, name)
    for name in nft_tables():
        nftables.commit(nftables.deleting(name))
