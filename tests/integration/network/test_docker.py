"""Beside Docker, whose FORWARD chain drops what it does not know."""

import struct
from pathlib import Path

import pytest

from runtime.network import nft_expressions as nft
from runtime.network import nftables
from runtime.network.netlink_socket import CREATE, DUMP, NETLINK_NETFILTER, NetlinkSocket, attribute, nested, text
from schemas.engine.specs import PortBinding
from tests.integration.network.conftest import Site
from tests.integration.network.connections import BLOCKED, OK, SHORT_S, connect, listen

IP = nftables.FAMILIES["ip"]


def docker(*, user_chain: bool) -> None:
    """Make `ip filter` as iptables-nft and dockerd leave it: policy DROP, perhaps with DOCKER-USER."""
    hook = nested(4, attribute(1, nft.be32(2)), attribute(2, struct.pack(">i", 0)))
    forward = text(1, "filter") + text(3, "FORWARD") + hook + text(7, "filter") + attribute(5, nft.be32(0))
    messages = [
        (nftables.nft_message(nftables.NEW_TABLE, CREATE, IP, text(1, "filter")), "filter"),
        (nftables.nft_message(nftables.NEW_CHAIN, CREATE, IP, forward), "FORWARD"),
    ]
    if user_chain:
        chain = text(1, "filter") + text(3, "DOCKER-USER")
        messages += [
            (nftables.nft_message(nftables.NEW_CHAIN, CREATE, IP, chain), "DOCKER-USER"),
            (nftables.new_rule(IP, "filter", "FORWARD", (nft.jump("DOCKER-USER"),)), "jump"),
        ]
    nftables.commit(messages)


def rules(chain: str) -> int:
    body = text(1, "filter") + text(2, chain)
    with NetlinkSocket(NETLINK_NETFILTER) as netlink:
        return len(netlink.dump(nftables.nft_message(nftables.GET_RULE, DUMP, IP, body)))


@pytest.mark.parametrize("user_chain", [True, False], ids=["DOCKER-USER", "FORWARD alone"])
def test_containers_must_be_reached_beside_docker(site: Site, outside: int, *, user_chain: bool) -> None:
    """Within a network, outwards and by published ports; what is not published stays closed."""
    docker(user_chain=user_chain)
    site.network("a")
    site.network("b")
    one = site.container("one", "a", ports=(PortBinding(80, host_port=8080),))
    site.container("two", "a")
    site.container("far", "b")
    chain = "DOCKER-USER" if user_chain else "FORWARD"
    assert rules(chain) == 2
    address = one.endpoints[0].ipv4_address
    with listen(site.sandboxes["one"], 80), listen(outside, 80):
        assert connect(site.sandboxes["two"], address, 80) == OK
        assert connect(site.sandboxes["one"], "10.99.0.2", 80) == OK
        assert connect(outside, "10.99.0.1", 8080) == OK
        assert connect(outside, address, 80, SHORT_S) == BLOCKED
        assert connect(site.sandboxes["far"], address, 80, SHORT_S) == BLOCKED


def test_the_rules_must_be_there_once(site: Site, tmp_path: Path) -> None:
    """Each command looks; none adds them again."""
    docker(user_chain=True)
    site.network("a")
    for each in range(3):
        other = Site(tmp_path / str(each))
        other.network(f"n{each}")
        other.controller.apply_firewall("shop")
        assert rules("DOCKER-USER") == 2
        other.close()


def test_a_bridge_with_a_name_of_its_own_must_pass_too(site: Site) -> None:
    """com.docker.network.bridge.name: matched whole, not by our prefix."""
    docker(user_chain=True)
    site.network("named", driver_options={"com.docker.network.bridge.name": "br-shop"})
    site.container("one", "named", ports=(PortBinding(80, host_port=8080),))
    site.container("two", "named")
    assert rules("DOCKER-USER") == 2
    with listen(site.sandboxes["one"], 80):
        assert connect(site.sandboxes["two"], "172.18.0.2", 80) == OK
    site.network("other")
    site.controller.apply_firewall("shop")
    assert rules("DOCKER-USER") == 4
