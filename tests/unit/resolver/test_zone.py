"""Who sees which name."""

import socket

from runtime.resolver.codec import AAAA, MX, A
from runtime.resolver.zone import Zone
from schemas.engine.identifiers import NetworkID
from schemas.engine.records import EndpointRecord


def endpoint(network: str, address: str, *names: str, ipv6: str = "") -> EndpointRecord:
    return EndpointRecord(NetworkID(f"id-{network}"), network, address, 16, "", "", "eth0", "pv0", names, ipv6)


def addresses(zone: Zone, container: str, name: str, kind: int = A) -> list[str] | None:
    found = zone.resolve(container, name.encode(), kind)
    if found is None:
        return None
    return [socket.inet_ntop(socket.AF_INET if len(each) == 4 else socket.AF_INET6, each) for each in found]


def test_a_container_must_be_found_by_each_of_its_names() -> None:
    """Container name, service, short id and host name all lead to it, in any case."""
    zone = Zone()
    zone.add("w", [endpoint("front", "10.0.0.2", "shop-web-1", "Web", "0123456789ab", "box")])
    for name in ("shop-web-1", "web", "0123456789ab", "box", "web.front"):
        assert addresses(zone, "w", name) == ["10.0.0.2"]
    assert addresses(zone, "w", "other") is None
    assert addresses(zone, "w", "web.back") is None


def test_names_must_not_cross_networks() -> None:
    """db is on back alone: web, on front, does not see it; api, on both, does."""
    zone = Zone()
    zone.add("web", [endpoint("front", "10.0.0.2", "web")])
    zone.add("api", [endpoint("front", "10.0.0.3", "api"), endpoint("back", "10.1.0.3", "api")])
    zone.add("db", [endpoint("back", "10.1.0.2", "db")])
    assert addresses(zone, "web", "db") is None
    assert addresses(zone, "api", "db") == ["10.1.0.2"]
    assert addresses(zone, "web", "api") == ["10.0.0.3"]
    assert addresses(zone, "db", "api") == ["10.1.0.3"]
    assert addresses(zone, "api", "api") == ["10.0.0.3"], "its networks count in the order of its interfaces"
    assert addresses(zone, "api", "api.back") == ["10.1.0.3"]


def test_replicas_must_take_turns() -> None:
    """A service with three containers has three addresses, another one first each time."""
    zone = Zone()
    for number in (2, 3, 4):
        zone.add(f"w{number}", [endpoint("n", f"10.0.0.{number}", f"web-{number}", "web")])
    answers = [addresses(zone, "w2", "web") or [] for _ in range(6)]
    assert all(sorted(each) == ["10.0.0.2", "10.0.0.3", "10.0.0.4"] for each in answers)
    assert sorted(each[0] for each in answers) == sorted(["10.0.0.2", "10.0.0.3", "10.0.0.4"] * 2)


def test_a_stopped_container_must_vanish() -> None:
    """Of two replicas the running one is left; with the last the name is gone."""
    zone = Zone()
    zone.add("a", [endpoint("n", "10.0.0.2", "web")])
    zone.add("b", [endpoint("n", "10.0.0.3", "web")])
    zone.remove("a")
    assert addresses(zone, "b", "web") == ["10.0.0.3"]
    assert zone.reverse("b", b"2.0.0.10.in-addr.arpa") is None
    zone.remove("b")
    zone.remove("b")
    zone.add("c", [endpoint("n", "10.0.0.4", "other")])
    assert addresses(zone, "c", "web") is None


def test_a_known_name_must_have_no_records_of_other_types() -> None:
    """NOERROR without a record, and never a question to the outside."""
    zone = Zone()
    zone.add("a", [endpoint("n", "10.0.0.2", "web", ipv6="")])
    assert addresses(zone, "a", "web", AAAA) == []
    assert addresses(zone, "a", "web", MX) == []
    zone.add("a", [endpoint("n", "10.0.0.2", "web", ipv6="fd00::2")])
    assert addresses(zone, "a", "web", AAAA) == ["fd00::2"]


def test_a_link_must_be_seen_by_its_owner_alone() -> None:
    """`links: [db:database]` gives web one more name for db; a link wins over a name."""
    zone = Zone()
    zone.add("db", [endpoint("n", "10.0.0.2", "shop-db-1", "db")])
    zone.add("other", [endpoint("n", "10.0.0.3", "other")])
    zone.add("web", [endpoint("n", "10.0.0.4", "web")], [("database", "shop-db-1"), ("other", "shop-db-1")])
    assert addresses(zone, "web", "database") == ["10.0.0.2"]
    assert addresses(zone, "web", "other") == ["10.0.0.2"]
    assert addresses(zone, "other", "database") is None
    zone.remove("db")
    assert addresses(zone, "web", "database") is None


def test_an_address_must_lead_back_to_its_name() -> None:
    """PTR gives name and network, for the networks the asking container shares."""
    zone = Zone()
    zone.add("a", [endpoint("shop_default", "10.0.0.2", "shop-web-1", "web", ipv6="fd00::2")])
    zone.add("b", [endpoint("back", "10.1.0.2", "db")])
    assert zone.reverse("a", b"2.0.0.10.in-addr.arpa") == "shop-web-1.shop_default"
    digits = ".".join(reversed(f"{0xFD00 << 112 | 2:032x}"))
    assert zone.reverse("a", f"{digits}.ip6.arpa".encode()) == "shop-web-1.shop_default"
    assert zone.reverse("a", b"2.0.1.10.in-addr.arpa") is None
    assert zone.reverse("a", b"999.0.1.10.in-addr.arpa") is None
    assert zone.reverse("a", b"x.in-addr.arpa") is None


def test_another_projects_container_must_be_found_on_a_shared_network() -> None:
    """A name this project does not have is looked up among others' containers on the same networks."""
    asked: list[tuple[str, ...]] = []

    def foreign(networks: tuple[str, ...]) -> list[EndpointRecord]:
        asked.append(networks)
        return [endpoint("proxy", "10.9.0.7", "other-app-1", "App"), endpoint("hidden", "10.8.0.1", "secret")]

    zone = Zone(foreign)
    zone.add("web", [endpoint("proxy", "10.9.0.2", "web")])
    assert addresses(zone, "web", "web") == ["10.9.0.2"]
    assert asked == [], "the project's own names need no look-up"
    assert addresses(zone, "web", "app") == ["10.9.0.7"]
    assert addresses(zone, "web", "secret") is None
    assert asked == [("id-proxy",), ("id-proxy",)]
