"""Which servers a container's other queries go to."""

from pathlib import Path

from runtime.resolver import upstreams

HOST = "# by hand\nnameserver 192.0.2.53\nnameserver nonsense\nnameserver fe80::1%eth0\nsearch a.example\n"


def test_the_hosts_servers_must_be_asked_by_default() -> None:
    """In order, without what is no address."""
    assert upstreams.of_container((), HOST) == ("192.0.2.53", "fe80::1%eth0")


def test_dns_of_the_service_must_override_the_hosts() -> None:
    """Three at most, as in libc."""
    wanted = ("1.1.1.1", "1.0.0.1", "9.9.9.9", "8.8.8.8")
    assert upstreams.of_container(wanted, HOST) == wanted[:3]


def test_the_server_must_not_ask_itself() -> None:
    """127.0.0.11 as the host's server, inside a container, would be a loop."""
    assert upstreams.of_container((), "nameserver 127.0.0.11\nnameserver 192.0.2.1\n") == ("192.0.2.1",)


def test_a_host_without_servers_must_have_dockers_default() -> None:
    """As Docker: Google's."""
    assert upstreams.of_container((), "") == ("8.8.8.8", "8.8.4.4")


def test_a_change_of_the_hosts_servers_must_be_seen(tmp_path: Path) -> None:
    """A laptop that joins another network: no container needs a restart."""
    file = tmp_path / "resolv.conf"
    servers = upstreams.HostServers(file)
    assert servers() == ("8.8.8.8", "8.8.4.4")
    file.write_text("nameserver 192.0.2.1\n")
    assert servers() == ("192.0.2.1",)
    other = tmp_path / "new"
    other.write_text("nameserver 192.0.2.2\n")
    other.replace(file)
    assert servers() == ("192.0.2.2",)
    file.unlink()
    assert servers() == ("8.8.8.8", "8.8.4.4")
