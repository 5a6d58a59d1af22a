"""Published ports: who has them, who is told so, where they lead."""

import os
import socket
from pathlib import Path

import pytest

from runtime.errors import Conflict, InvalidArgument, Unsupported
from runtime.network import portmap
from runtime.state import containers, networks
from schemas.engine.records import PublishedPort
from schemas.engine.specs import PortBinding
from schemas.engine.status import ContainerStatus
from tests.integration.network.conftest import Site
from tests.integration.network.connections import BLOCKED, OK, REFUSED, SHORT_S, connect, listen, udp


@pytest.fixture
def shop(site: Site) -> Site:
    site.network("shop_default")
    return site


def test_a_published_port_must_be_recorded_and_reached(shop: Site) -> None:
    """Without a host address it is on every IPv4 address; `port` and `ps` read the row."""
    web = shop.container("web", "shop_default", ports=(PortBinding(80, host_port=8080),))
    assert web.ports == (PublishedPort("0.0.0.0", 8080, 80, "tcp"),)
    with listen(shop.sandboxes["web"], 80) as server:
        assert connect(None, "127.0.0.1", 8080) == OK
        accepted, address = server.accept()
        accepted.close()
        assert address[0] == "172.18.0.1", "the host itself is seen as the gateway"


def test_another_program_must_not_get_a_published_port(shop: Site) -> None:
    """The host's kernel says so at its bind."""
    shop.container("web", "shop_default", ports=(PortBinding(80, host_port=8080),))
    with pytest.raises(OSError, match="in use"), socket.socket() as other:
        other.bind(("0.0.0.0", 8080))


def test_a_conflict_must_name_the_container(shop: Site) -> None:
    """Docker's words, and who it is."""
    shop.container("web", "shop_default", ports=(PortBinding(80, host_port=8080),))
    with pytest.raises(Conflict, match=r"^Bind for 0\.0\.0\.0:8080 failed: port is already allocated$") as error:
        shop.container("other", "shop_default", ports=(PortBinding(80, host_port=8080),))
    assert error.value.hint == "container `web` publishes it"
    with pytest.raises(Conflict, match=r"Bind for 127\.0\.0\.1:8080 failed"):
        shop.container("third", "shop_default", ports=(PortBinding(80, host_ip="127.0.0.1", host_port=8080),))


def test_a_conflict_must_name_the_process(shop: Site) -> None:
    """Found by the socket that listens there."""
    with listen(None, 8080):
        with pytest.raises(Conflict, match="port is already allocated") as error:
            shop.container("web", "shop_default", ports=(PortBinding(80, host_port=8080),))
        name = Path("/proc/self/comm").read_text().strip()
        assert error.value.hint == f"process `{name}` (pid {os.getpid()}) listens on it"
        found = containers.find(shop.database.read(), "web")
        assert found.ports == (), "what failed leaves no row"


def test_a_plan_must_be_checked_before_anything_is_made(shop: Site) -> None:
    """Against containers, processes and itself; what is to be replaced does not count."""
    web = shop.container("web", "shop_default", ports=(PortBinding(80, host_port=8080),))
    check = shop.controller.check_ports
    check(
        [
            ("web-2", PortBinding(80, host_port=8081)),
            ("web-3", PortBinding(80)),
            ("db", PortBinding(5, "udp", "", 8080)),
        ]
    )
    with pytest.raises(Conflict, match="8080") as error:
        check([("web-2", PortBinding(80, host_port=8080))])
    assert error.value.hint == "container `web` publishes it"
    check([("web-2", PortBinding(80, host_port=8080))], ignoring=(web.id,))
    with pytest.raises(Conflict, match="8090") as error:
        check([("web-2", PortBinding(80, host_port=8090)), ("web-3", PortBinding(81, "tcp", "127.0.0.1", 8090))])
    assert error.value.hint == "`web-2` is to publish it as well as `web-3`"
    check([("a", PortBinding(80, "tcp", "127.0.0.1", 8090)), ("b", PortBinding(80, "tcp", "127.0.0.2", 8090))])
    with listen(None, 8091), pytest.raises(Conflict, match="8091"):
        check([("web-2", PortBinding(80, host_port=8091))])


def test_a_random_port_must_be_free_and_told(shop: Site) -> None:
    """`ports: ["80"]` twice gives two ports, each leading to its container."""
    one = shop.container("one", "shop_default", ports=(PortBinding(80),))
    other = shop.container("other", "shop_default", ports=(PortBinding(80),))
    assert one.ports[0].host_port != other.ports[0].host_port
    with listen(shop.sandboxes["one"], 80):
        assert connect(None, "127.0.0.1", one.ports[0].host_port) == OK
        assert connect(None, "127.0.0.1", other.ports[0].host_port) == REFUSED


def test_a_range_must_give_the_first_free_port(shop: Site) -> None:
    """`8000-8002:80` on three containers; the fourth is told."""
    binding = PortBinding(80, host_port=8000, host_port_end=8002)
    with listen(None, 8001):
        taken = [shop.container(f"c{each}", "shop_default", ports=(binding,)).ports[0].host_port for each in range(2)]
        assert taken == [8000, 8002]
        with pytest.raises(Conflict, match="port is already allocated"):
            shop.container("c2", "shop_default", ports=(binding,))


def test_udp_must_work_both_ways(shop: Site) -> None:
    """And to a new container from an old client, whose flow the kernel still knows."""
    shop.container("one", "shop_default", ports=(PortBinding(53, "udp", "", 5300),))
    with udp(None) as client:
        client.connect(("127.0.0.1", 5300))
        _echo_once(shop.sandboxes["one"], client)
        shop.stop("one")
        shop.container("other", "shop_default", ports=(PortBinding(53, "udp", "", 5300),))
        _echo_once(shop.sandboxes["other"], client)


def test_a_stopped_containers_port_must_be_free(shop: Site) -> None:
    """At once for another container; the host refuses connections instead of leading them astray."""
    shop.container("one", "shop_default", ports=(PortBinding(80, host_port=8080),))
    shop.stop("one")
    shop.container("other", "shop_default", ports=(PortBinding(80, host_port=8080),))
    with listen(shop.sandboxes["other"], 80):
        assert connect(None, "127.0.0.1", 8080) == OK
    shop.stop("other")
    shop.controller.apply_firewall("shop")
    assert connect(None, "127.0.0.1", 8080) == REFUSED


def test_a_restart_must_keep_the_ports(shop: Site) -> None:
    """The container ended by itself and its supervisor still holds the sockets: publishing again takes them over."""
    web = shop.container("web", "shop_default", ports=(PortBinding(80, host_port=8080),))
    ports, descriptors = shop.controller.publish(web)
    assert (ports, descriptors) == (web.ports, [])
    with listen(shop.sandboxes["web"], 80):
        assert connect(None, "127.0.0.1", 8080) == OK


def test_a_row_of_a_container_that_ended_must_not_be_in_the_way(shop: Site) -> None:
    """Nobody holds the socket any more, whatever the state still says."""
    one = shop.container("one", "shop_default", ports=(PortBinding(80, host_port=8080),))
    for descriptor in shop.reservations.pop("one"):
        os.close(descriptor)
    with shop.database.transaction() as connection:
        containers.change(connection, one.id, status=ContainerStatus.EXITED.value)
    shop.container("other", "shop_default", ports=(PortBinding(80, host_port=8080),))
    assert networks.ports_of(shop.database.read(), one.id) == []
    with listen(shop.sandboxes["other"], 80):
        assert connect(None, "127.0.0.1", 8080) == OK


def test_another_projects_port_must_work_beside(shop: Site) -> None:
    """Two tables, one kernel."""
    shop.network("blog_default", project="blog")
    shop.container("web", "shop_default", ports=(PortBinding(80, host_port=8080),))
    shop.container("blog", "blog_default", ports=(PortBinding(80, host_port=8081),), project="blog")
    with listen(shop.sandboxes["web"], 80), listen(shop.sandboxes["blog"], 80):
        assert connect(None, "127.0.0.1", 8080) == OK
        assert connect(None, "127.0.0.1", 8081) == OK
        assert connect(shop.sandboxes["web"], "172.19.0.1", 8081) == OK
        assert connect(shop.sandboxes["web"], "172.19.0.2", 80, SHORT_S) == BLOCKED


def test_a_container_on_anothers_network_must_be_published(shop: Site) -> None:
    """An external network: the rules for its bridge are its project's, those for the port the container's."""
    shop.container("blog", "shop_default", ports=(PortBinding(80, host_port=8081),), project="blog")
    with listen(shop.sandboxes["blog"], 80):
        assert connect(None, "127.0.0.1", 8081) == OK


def test_an_ipv6_host_address_needs_an_ipv6_container(shop: Site) -> None:
    """Said, not ignored."""
    with pytest.raises(Unsupported, match="`::1`"):
        shop.container("web", "shop_default", ports=(PortBinding(80, "tcp", "::1", 8080),))


def test_an_address_the_host_has_not_must_be_told(shop: Site) -> None:
    """Nothing listens in vain."""
    with pytest.raises(InvalidArgument, match=r"192\.0\.2\.77:8080: the host has no such address"):
        shop.container("web", "shop_default", ports=(PortBinding(80, "tcp", "192.0.2.77", 8080),))


def test_a_reserved_port_must_take_nothing_in(host: None) -> None:
    """Before the rules are there a connection is neither accepted nor refused: the client tries again."""
    held = portmap.bind("tcp", "127.0.0.1", 8080)
    assert held is not None
    with held:
        assert connect(None, "127.0.0.1", 8080, SHORT_S) == BLOCKED


def _echo_once(sandbox: int, client: socket.socket) -> None:
    with udp(sandbox) as server:
        server.bind(("0.0.0.0", 53))
        client.send(b"ping")
        data, address = server.recvfrom(100)
        server.sendto(b"pong to " + data, address)
        assert client.recv(100) == b"pong to ping"


def test_an_internal_container_must_publish_nothing(site: Site) -> None:
    """As in Docker: the port stays free on the host."""
    site.network("inside", internal=True)
    assert site.container("web", "inside", ports=(PortBinding(80, host_port=8080),)).ports == ()
    with listen(None, 8080):
        pass
