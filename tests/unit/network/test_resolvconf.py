"""hosts, hostname and resolv.conf as a container finds them."""

import pytest

from runtime.errors import InvalidArgument
from runtime.network import resolvconf
from schemas.engine.identifiers import NetworkID
from schemas.engine.records import EndpointRecord
from schemas.engine.specs import ContainerSpec

HOST = "nameserver 127.0.0.53\nsearch lan.example\noptions edns0 trust-ad\n"
FRONT = EndpointRecord(NetworkID("f"), "front", "172.18.0.2", 16, "172.18.0.1", "", "eth0", "pv0", default_gateway=True)
BACK = EndpointRecord(NetworkID("b"), "back", "172.19.0.2", 16, "172.19.0.1", "", "eth1", "pv1", (), "fd00::2", 64)


def spec(**values: object) -> ContainerSpec:
    return ContainerSpec("web", "image", **values)  # type: ignore[arg-type]


def test_hosts_must_name_the_container_on_each_network() -> None:
    """The loopback, extra_hosts in order (a name twice gives two lines), then its own addresses."""
    text = resolvconf.hosts(
        spec(extra_hosts=(("api", "10.0.0.1"), ("api", "::1"), ("host", "host-gateway"))), [FRONT, BACK], "box"
    )
    assert text.splitlines()[0] == "127.0.0.1\tlocalhost"
    assert text.splitlines()[6:] == [
        "api".join(("10.0.0.1\t", "")),
        "::1\tapi",
        "172.18.0.1\thost",
        "172.18.0.2\tbox",
        "172.19.0.2\tbox",
        "fd00::2\tbox",
    ]


def test_a_domain_name_must_come_first() -> None:
    """`hostname -f` reads the first name of the line."""
    assert "172.18.0.2\tbox.shop.example box\n" in resolvconf.hosts(spec(domainname="shop.example"), [FRONT], "box")


def test_the_hosts_network_must_bring_the_hosts_names() -> None:
    """network_mode: host has the host's file, and extra_hosts behind."""
    text = resolvconf.hosts(
        spec(network_mode="host", extra_hosts=(("api", "10.0.0.1"),)),
        [],
        "machine",
        "127.0.0.1 localhost\n10.1.1.1 nas\n",
    )
    assert text == "127.0.0.1 localhost\n10.1.1.1 nas\n10.0.0.1\tapi\n"


def test_resolv_conf_must_lead_to_the_embedded_server() -> None:
    """The host's search domains and options stay; its servers are noted."""
    assert resolvconf.resolv_conf(spec(), has_resolver=True, of_host=HOST) == (
        "nameserver 127.0.0.11\nsearch lan.example\noptions edns0 trust-ad ndots:0\n\n# ExtServers: [127.0.0.53]\n"
    )


def test_the_services_dns_settings_must_replace_the_hosts() -> None:
    """dns, dns_search and dns_opt; a single dot means no search domain."""
    chosen = spec(dns=("1.1.1.1",), dns_search=("a.example", "b.example"), dns_options=("ndots:2",))
    assert resolvconf.resolv_conf(chosen, has_resolver=True, of_host=HOST) == (
        "nameserver 127.0.0.11\nsearch a.example b.example\noptions ndots:2\n\n# ExtServers: [1.1.1.1]\n"
    )
    assert "search" not in resolvconf.resolv_conf(spec(dns_search=(".",)), has_resolver=True, of_host=HOST)


def test_without_the_embedded_server_the_servers_must_stand_there() -> None:
    """network_mode host: the host's own."""
    assert resolvconf.resolv_conf(spec(), has_resolver=False, of_host=HOST) == (
        "nameserver 127.0.0.53\nsearch lan.example\noptions edns0 trust-ad\n"
    )


@pytest.mark.parametrize(
    "values",
    [
        {"extra_hosts": (("a\n6.6.6.6 bank.example", "10.0.0.1"),)},
        {"extra_hosts": (("a", "10.0.0.1\n6.6.6.6 bank.example"),)},
        {"extra_hosts": (("a b", "10.0.0.1"),)},
        {"extra_hosts": (("a", "elsewhere"),)},
        {"domainname": "x\n6.6.6.6 bank.example"},
        {"dns_search": ("a\nnameserver 6.6.6.6",)},
        {"dns_options": ("ndots:1\rnameserver 6.6.6.6",)},
        {"dns": ("not-an-address",)},
    ],
)
def test_a_value_must_not_bring_lines_of_its_own(values: dict[str, object]) -> None:
    """A line end in a name would point names at an attacker."""
    with pytest.raises(InvalidArgument):
        resolvconf.container_files(spec(**values), [FRONT], "box")


def test_all_three_files_must_be_written() -> None:
    """By their names in /etc."""
    texts = resolvconf.container_files(spec(), [FRONT], "box")
    assert sorted(texts) == ["hostname", "hosts", "resolv.conf"]
    assert texts["hostname"] == "box\n"
