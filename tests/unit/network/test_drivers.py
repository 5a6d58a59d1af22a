"""Drivers and their options."""

import pytest

from runtime.errors import InvalidArgument, Unsupported
from runtime.network import drivers
from schemas.engine.identifiers import NetworkID
from schemas.engine.specs import NetworkSpec

ID = NetworkID("0123456789abcdef" * 4)
BRIDGE = "com.docker.network.bridge."


def options(driver: str = "bridge", **values: str) -> drivers.DriverOptions:
    return drivers.options_of(NetworkSpec("n", driver=driver, driver_options=values), ID)


def test_a_bridge_must_be_named_by_its_id() -> None:
    """Any command knows the name without asking; it fits the kernel's 15 characters."""
    assert options().link == "pc-0123456789"
    assert options(**{f"{BRIDGE}name": "br-shop"}).link == "br-shop"
    assert len(drivers.veth_name("f" * 64, 12)) <= 15


def test_dockers_options_must_count() -> None:
    """enable_icc, enable_ip_masquerade and the MTU."""
    chosen = options(
        **{
            f"{BRIDGE}enable_icc": "false",
            f"{BRIDGE}enable_ip_masquerade": "0",
            "com.docker.network.driver.mtu": "1400",
        }
    )
    assert (chosen.inter_container, chosen.masquerade, chosen.mtu) == (False, False, 1400)
    assert (options().inter_container, options().masquerade) == (True, True)


@pytest.mark.parametrize(
    ("driver", "values", "words"),
    [
        ("overlay", {}, "driver `overlay` is not supported"),
        ("ipvlan", {"parent": "eth0"}, "driver `ipvlan` is not supported"),
        ("weave", {}, "driver `weave` is not supported"),
        ("bridge", {"com.docker.network.bridge.colour": "red"}, "option `com.docker.network.bridge.colour` is not"),
        ("macvlan", {}, "macvlan without a parent"),
    ],
)
def test_what_is_missing_must_say_so(driver: str, values: dict[str, str], words: str) -> None:
    """Never silently something else."""
    with pytest.raises(Unsupported, match=words):
        options(driver, **values)


@pytest.mark.parametrize(
    ("driver", "values"),
    [
        ("bridge", {"com.docker.network.driver.mtu": "many"}),
        ("bridge", {"com.docker.network.driver.mtu": "20"}),
        ("bridge", {f"{BRIDGE}name": "much-too-long-for-linux"}),
        ("bridge", {f"{BRIDGE}name": "../../etc"}),
        ("bridge", {f"{BRIDGE}enable_icc": "perhaps"}),
        ("macvlan", {"parent": "eth0", "macvlan_mode": "sideways"}),
    ],
)
def test_a_senseless_value_must_be_refused(driver: str, values: dict[str, str]) -> None:
    """The message names it."""
    with pytest.raises(InvalidArgument):
        options(driver, **values)


def test_hardware_addresses_must_be_local_and_stable() -> None:
    """Locally administered, unicast."""
    assert drivers.mac_address("ff11223344aa") == "02:ff:11:22:33:44"
