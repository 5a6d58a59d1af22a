"""Which subnets and addresses are given."""

import ipaddress
from pathlib import Path

import pytest

from runtime.errors import Conflict, InvalidArgument, ResourceExhausted
from runtime.network import ipam
from schemas.engine.specs import IPAMPool


def networks(*values: str) -> list[ipam.Network]:
    return [ipaddress.ip_network(value) for value in values]


def test_the_first_network_must_have_what_compose_users_know() -> None:
    """172.18.0.0/16, as the first Compose network beside Docker's own default one."""
    assert str(ipam.choose_subnet([])) == "172.18.0.0/16"


def test_a_subnet_must_avoid_networks_and_routes() -> None:
    """Whatever overlaps, larger or smaller, is passed over."""
    assert str(ipam.choose_subnet(networks("172.18.0.0/16", "172.19.5.0/24", "fd00::/8"))) == "172.20.0.0/16"
    assert str(ipam.choose_subnet(networks("172.16.0.0/12"))) == "192.168.0.0/20"
    assert str(ipam.choose_subnet(networks("172.16.0.0/12", "192.168.1.7/32"))) == "192.168.16.0/20"
    assert str(ipam.choose_subnet(networks("172.18.0.0/15", "172.20.0.0/14", "172.24.0.0/13", "192.168.0.0/16"))) == (
        "172.17.0.0/16"
    )


def test_exhausted_pools_must_be_told() -> None:
    """Docker's words, with what to do."""
    with pytest.raises(
        ResourceExhausted, match="could not find an available, non-overlapping IPv4 address pool"
    ) as error:
        ipam.choose_subnet(networks("172.16.0.0/12", "192.168.0.0/16"))
    assert "ipam.config.subnet" in error.value.hint


def test_thirty_networks_must_fit() -> None:
    """The pools give 14 large subnets, then small ones; none twice."""
    taken: list[ipam.Network] = []
    for _ in range(30):
        taken.append(ipam.choose_subnet(taken))
    assert len(set(taken)) == 30
    assert str(taken[14]) == "192.168.0.0/20"


def test_addresses_must_be_given_in_turn() -> None:
    """The first is .2, behind the gateway; a freed one does not come back at once."""
    pool = ipam.plan_pool(IPAMPool(), ipaddress.ip_network("172.18.0.0/16"))
    assert str(pool.gateway) == "172.18.0.1"
    assert str(ipam.choose_address(pool, [])) == "172.18.0.2"
    assert str(ipam.choose_address(pool, ["172.18.0.2", "172.18.0.3"])) == "172.18.0.4"
    assert str(ipam.choose_address(pool, ["172.18.0.3"])) == "172.18.0.4", "not the freed .2"


def test_addresses_must_begin_again_at_the_end() -> None:
    """The last address of the subnet is followed by the first that is free; broadcast is never given."""
    pool = ipam.plan_pool(IPAMPool("10.0.0.0/29"))
    taken = ["10.0.0.2", "10.0.0.6"]
    assert str(ipam.choose_address(pool, taken)) == "10.0.0.3"
    taken += ["10.0.0.3", "10.0.0.4", "10.0.0.5"]
    with pytest.raises(ResourceExhausted, match=r"no available IPv4 addresses .*10\.0\.0\.0/29"):
        ipam.choose_address(pool, taken)


def test_a_range_must_bound_what_is_given() -> None:
    """ip_range and aux_addresses hold; the gateway may lie anywhere in the subnet."""
    pool = ipam.plan_pool(
        IPAMPool("10.0.0.0/16", "10.0.9.9", "10.0.5.0/30", {"printer": "10.0.5.1", "other": "10.0.7.7"})
    )
    assert str(pool.gateway) == "10.0.9.9"
    assert [str(ipam.choose_address(pool, taken)) for taken in ([], ["10.0.5.0"], ["10.0.5.0", "10.0.5.2"])] == [
        "10.0.5.0",
        "10.0.5.2",
        "10.0.5.3",
    ]
    with pytest.raises(ResourceExhausted):
        ipam.choose_address(pool, ["10.0.5.0", "10.0.5.2", "10.0.5.3"])


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        (IPAMPool("10.0.0.0/24", "10.0.1.1"), "no matching subnet for gateway `10.0.1.1`"),
        (IPAMPool("10.0.0.0/24", "", "10.0.1.0/28"), "no matching subnet for range"),
        (IPAMPool("10.0.0.0/24", "", "", {"a": "10.9.0.1"}), "no matching subnet for auxiliary address"),
        (IPAMPool("10.0.0.1/24"), "invalid subnet `10.0.0.1/24`"),
        (IPAMPool("10.0.0.0/33"), "invalid subnet"),
        (IPAMPool("10.0.0.0/24", "gate"), "invalid gateway `gate`"),
    ],
)
def test_what_does_not_fit_together_must_be_refused(pool: IPAMPool, words: str) -> None:
    """The message names the value."""
    with pytest.raises(InvalidArgument, match=words):
        ipam.plan_pool(pool)


def test_a_static_address_must_be_checked() -> None:
    """It needs a subnet by the user, lies in it, and is nobody else's."""
    pool = ipam.plan_pool(IPAMPool("10.0.0.0/24"))
    assert str(ipam.choose_address(pool, [], "10.0.0.77")) == "10.0.0.77"
    with pytest.raises(InvalidArgument, match=r"no configured subnet contains IP address `10\.0\.1\.7`"):
        ipam.choose_address(pool, [], "10.0.1.7")
    with pytest.raises(Conflict, match="already in use"):
        ipam.choose_address(pool, ["10.0.0.77"], "10.0.0.77")
    with pytest.raises(Conflict, match="already in use"):
        ipam.choose_address(pool, [], "10.0.0.1")
    chosen = ipam.plan_pool(IPAMPool(), ipaddress.ip_network("172.18.0.0/16"))
    with pytest.raises(InvalidArgument, match="only when connecting to networks with user configured subnets"):
        ipam.choose_address(chosen, [], "172.18.0.9")


def test_an_overlapping_subnet_must_be_refused_with_its_owner() -> None:
    """A subnet that was asked for is not silently another one."""
    with pytest.raises(Conflict, match="pool overlaps with other one") as error:
        ipam.check_free(ipaddress.ip_network("10.0.0.0/16"), [(ipaddress.ip_network("10.0.3.0/24"), "network `shop`")])
    assert error.value.hint == "`10.0.3.0/24` belongs to network `shop`"


def test_an_ipv6_subnet_must_be_unique_local_and_stable() -> None:
    """RFC 4193, 64 bits, the same for the same network, another one when it is taken."""
    first = ipam.choose_ipv6_subnet("a" * 64, [])
    assert first.subnet_of(ipaddress.IPv6Network("fd00::/8"))
    assert first.prefixlen == 64
    assert ipam.choose_ipv6_subnet("a" * 64, []) == first
    assert ipam.choose_ipv6_subnet("a" * 64, [first]) != first


def test_tables_that_change_while_they_are_read_must_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel gives them in pieces: an entry may come without its address, or twice."""
    (tmp_path / "fib_trie").write_text(
        "Main:\n        /32 host LOCAL\n           |-- \n              /32 host LOCAL\n"
        "           |-- 10.1.2.3\n              /32 link UNICAST\n              /32 host LOCAL\n"
    )
    monkeypatch.setattr(ipam, "_PROC_NET", tmp_path)
    own = [str(network) for network, whose in ipam.host_networks() if whose == "an address of the host"]
    assert own == ["10.1.2.3/32"]
