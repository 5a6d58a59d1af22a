"""Batches in the kernel: all or nothing, and errors in its words."""

import pytest

from runtime.errors import SyscallError
from runtime.network import firewall, nftables
from runtime.network import nft_expressions as nft
from runtime.network.firewall import BridgeNeeds, PortNeeds
from runtime.network.nftables import Chain, Rule, Table
from tests.integration.network.conftest import nft_tables


def ports(count: int) -> list[PortNeeds]:
    return [PortNeeds("tcp", "0.0.0.0", 10000 + each, "172.18.0.2", 80) for each in range(count)]


def test_a_batch_with_one_fault_must_change_nothing(host: None) -> None:
    """The kernel says which part it was; a table that stood before still stands."""
    good = Table("pycompose_good", (Chain("c"),), (Rule("c", (nft.accept(),)),))
    nftables.commit(nftables.creating(good))
    bad = Table("pycompose_bad", (Chain("c"),), (Rule("c", (nft.jump("nowhere"),)), Rule("c", (nft.drop(),))))
    with pytest.raises(SyscallError, match="jump nowhere") as error:
        nftables.commit([*nftables.deleting("pycompose_good"), *nftables.creating(bad)])
    assert error.value.strerror == "No such file or directory"
    assert nft_tables() == ["pycompose_good"]
    nftables.commit(nftables.deleting("pycompose_good"))
    assert nft_tables() == []


def test_a_thousand_ports_must_come_and_go(host: None) -> None:
    """One lookup however many there are; elements are added, moved and taken out."""
    bridges = [BridgeNeeds(f"pc-{each}", (f"10.{each}.0.0/16",)) for each in range(30)]
    empty, full = firewall.plan("pycompose_t", bridges, []), firewall.plan("pycompose_t", bridges, ports(1000))
    nftables.commit(nftables.creating(empty))
    nftables.commit(firewall.difference(empty, full))
    moved = firewall.with_ports(full, [PortNeeds("tcp", "0.0.0.0", 10500, "172.18.0.3", 81)])
    nftables.commit(firewall.difference(full, moved))
    nftables.commit(firewall.difference(moved, empty))
    nftables.commit(nftables.replacing(full))
    nftables.commit(nftables.deleting("pycompose_t"))
    nftables.commit(nftables.deleting("pycompose_t"))


def test_an_element_must_not_be_there_twice(host: None) -> None:
    """Two containers on one port is a fault of the state, and is told."""
    table = firewall.plan("pycompose_t", [], ports(1))
    nftables.commit(nftables.creating(table))
    other = firewall.plan("pycompose_t", [], [PortNeeds("tcp", "0.0.0.0", 10000, "172.18.0.9", 80)])
    with pytest.raises(SyscallError, match=r"File exists: `ports4_any tcp \. 10000"):
        nftables.commit(nftables.adding(table, other.maps[1]))
    nftables.commit(nftables.deleting("pycompose_t"))


def test_every_expression_must_be_understood(host: None) -> None:
    """What the project's rules use, in both IP versions."""
    needs = [
        BridgeNeeds("pc-a", ("10.0.0.0/9", "fd00::/60")),
        BridgeNeeds("pc-b", ("192.168.16.0/20",), internal=True, inter_container=False),
        BridgeNeeds("pc-c", ("0.0.0.0/0", "10.1.1.1/32")),
    ]
    published = [
        PortNeeds("udp", "127.0.0.1", 53, "10.0.0.2", 53),
        PortNeeds("sctp", "::1", 54, "fd00::2", 54),
        PortNeeds("tcp", "::", 55, "fd00::2", 55),
    ]
    nftables.commit(nftables.creating(firewall.plan("pycompose_t", needs, published)))
    nftables.commit(nftables.deleting("pycompose_t"))
