"""Names, asked for inside a sandbox and answered at 127.0.0.11."""

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.network.netlink_socket import NETLINK_ROUTE, NetlinkSocket
from runtime.resolver import codec, netns
from runtime.resolver.server import Resolver
from runtime.resolver.sockets import open_sockets
from runtime.resolver.zone import Zone
from schemas.engine.records import ContainerRecord
from tests.integration.network.conftest import Site
from tests.integration.network.connections import udp
from tests.unit.resolver.messages import Reply, question, read

SERVER = "127.0.0.11", 53


class Service:
    """A resolver in an event loop of its own, as the supervisor runs it."""

    def __init__(self, site: Site, upstreams: tuple[str, ...] | Callable[[], tuple[str, ...]]) -> None:
        self.site = site
        self.zone = Zone()
        self.resolver = Resolver(self.zone, upstreams)
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def add(self, container: ContainerRecord, *, forwards: bool = True, upstreams: tuple[str, ...] = ()) -> None:
        sandbox = self.site.sandboxes[container.name]
        self.zone.add(container.id, container.endpoints)
        self.resolver.attach(
            container.id, *open_sockets(sandbox), forwards=forwards, upstreams=upstreams, netns_fd=sandbox
        )

    def close(self) -> None:
        os.write(self._stop_write, b"x")
        if self._thread.is_alive():
            self._thread.join()
        os.close(self._stop_read)
        os.close(self._stop_write)
        self.resolver.close()

    def _run(self) -> None:
        while True:
            deadline = self.resolver.deadline()
            timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._stop_read, self.resolver.fileno()], [], [], timeout)
            if self._stop_read in ready:
                return
            self.resolver.readable()
            self.resolver.tick(time.monotonic())


@pytest.fixture
def service(site: Site) -> Iterator[Service]:
    made = Service(site, ())
    yield made
    made.close()


class Upstream:
    """A name server on the host's loopback: port 53 of an address, by UDP and TCP."""

    def __init__(self, address: str, code: int = codec.NO_ERROR, *, silent: bool = False) -> None:
        self.asked: list[bytes] = []
        self._code = code
        self._silent = silent
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((address, 53))
        self._tcp = socket.socket()
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._tcp.bind((address, 53))
        self._tcp.listen()
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join()
        for each in (self._udp, self._tcp):
            each.close()
        os.close(self._stop_read)
        os.close(self._stop_write)

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._udp, self._tcp, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            if self._udp in ready:
                data, address = self._udp.recvfrom(4096)
                if answer := self._answer(data):
                    self._udp.sendto(answer, address)
            if self._tcp in ready:
                connection, _ = self._tcp.accept()
                with connection:
                    answer = self._answer(connection.recv(4096)[2:])
                    connection.sendall(len(answer).to_bytes(2, "big") + answer)

    def _answer(self, data: bytes) -> bytes:
        query = codec.parse(data)
        assert query is not None
        self.asked.append(query.name)
        if self._silent:
            return b""
        if self._code:
            return codec.failure(data, query, self._code)
        return codec.answer(data, query, [socket.inet_aton("198.51.100.7")], 512)


def ask(namespace: int, name: str, kind: str = "A", timeout_s: float = 3.0) -> Reply:
    with udp(namespace) as client:
        client.settimeout(timeout_s)
        client.sendto(question(name, kind, size=1232), SERVER)
        data, address = client.recvfrom(4096)
    assert address == SERVER, "the answer comes from where the question went"
    return read(data)


def ask_by_tcp(namespace: int, *names: str) -> list[Reply]:
    with netns.inside(namespace):
        client = socket.socket()
    with client:
        client.settimeout(3)
        client.connect(SERVER)
        for name in names:
            message = question(name)
            client.sendall(len(message).to_bytes(2, "big") + message)
        replies = []
        stream = client.makefile("rb")
        for _ in names:
            length = int.from_bytes(stream.read(2), "big")
            replies.append(read(stream.read(length)))
        stream.close()
    return replies


def test_a_service_must_be_found_by_name(site: Site, service: Service) -> None:
    """web asks for db and gets its address, from 127.0.0.11 port 53."""
    site.network("shop_default")
    web, db = site.container("web", "shop_default"), site.container("db", "shop_default")
    service.add(web)
    service.add(db)
    service.start()
    reply = ask(site.sandboxes["web"], "db")
    assert reply.addresses == [db.endpoints[0].ipv4_address]
    assert ask(site.sandboxes["db"], "WEB.shop_default").addresses == [web.endpoints[0].ipv4_address]
    assert ask(site.sandboxes["web"], db.id[:12]).addresses == [db.endpoints[0].ipv4_address]
    assert [each.addresses for each in ask_by_tcp(site.sandboxes["web"], "db", "web")] == [
        [db.endpoints[0].ipv4_address],
        [web.endpoints[0].ipv4_address],
    ]
    empty = ask(site.sandboxes["web"], "db", "AAAA")
    assert (empty.code, empty.records) == (codec.NO_ERROR, [])


def test_a_container_may_run_a_name_server_of_its_own(site: Site, service: Service) -> None:
    """Port 53 is free in the sandbox, on every address."""
    site.network("shop_default")
    service.add(site.container("web", "shop_default"))
    with udp(site.sandboxes["web"]) as own:
        own.bind(("0.0.0.0", 53))


def test_other_names_must_be_asked_of_the_hosts_servers(site: Site) -> None:
    """From the host's own namespace, so that a server on its loopback is reached; by UDP and TCP."""
    upstream = Upstream("127.0.0.53")
    service = Service(site, lambda: ("127.0.0.53",))
    site.network("n")
    service.add(site.container("web", "n"))
    service.start()
    try:
        assert ask(site.sandboxes["web"], "www.example").addresses == ["198.51.100.7"]
        assert ask_by_tcp(site.sandboxes["web"], "tcp.example")[0].addresses == ["198.51.100.7"]
        assert upstream.asked == [b"www.example", b"tcp.example"]
    finally:
        service.close()
        upstream.close()


@pytest.mark.parametrize("code", [codec.SERVER_FAILURE, codec.REFUSED])
def test_the_next_server_must_be_asked_when_one_fails(site: Site, code: int) -> None:
    """SERVFAIL and REFUSED go on to the next server, and so does a server that is not there."""
    first, second = Upstream("127.0.0.53", code), Upstream("127.0.0.55")
    service = Service(site, ("127.0.0.53", "127.0.0.54", "127.0.0.55"))
    site.network("n")
    service.add(site.container("web", "n"))
    service.start()
    try:
        assert ask(site.sandboxes["web"], "www.example").addresses == ["198.51.100.7"]
        assert (first.asked, second.asked) == ([b"www.example"], [b"www.example"])
    finally:
        service.close()
        first.close()
        second.close()


def test_a_silent_server_must_be_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time the next one is asked; after the last one the answer is SERVFAIL."""
    monkeypatch.setattr("runtime.resolver.forwarding.TIMEOUT_S", 0.2)
    silent = Upstream("127.0.0.53", silent=True)
    service = Service(site, ("127.0.0.53",))
    site.network("n")
    service.add(site.container("web", "n"))
    service.start()
    try:
        assert ask(site.sandboxes["web"], "www.example").code == codec.SERVER_FAILURE
        assert silent.asked == [b"www.example"]
        assert service.resolver.deadline() is None
    finally:
        service.close()
        silent.close()


def test_an_internal_containers_names_must_stay_inside(site: Site) -> None:
    """No query leaves by the host for a container on internal networks alone (CVE-2024-29018)."""
    upstream = Upstream("127.0.0.53")
    service = Service(site, ("127.0.0.53",))
    site.network("i", internal=True)
    one, other = site.container("one", "i"), site.container("other", "i")
    service.add(one, forwards=False)
    service.add(other, forwards=False)
    service.start()
    try:
        assert ask(site.sandboxes["one"], "secret.attacker.example").code == codec.SERVER_FAILURE
        assert ask(site.sandboxes["one"], "other").addresses == [other.endpoints[0].ipv4_address]
        assert upstream.asked == []
    finally:
        service.close()
        upstream.close()


def test_dns_of_a_service_must_be_asked_from_its_own_network(site: Site) -> None:
    """`dns: [127.0.0.53]` means the container's loopback, not the host's."""
    of_host = Upstream("127.0.0.53")
    service = Service(site, ())
    site.network("n")
    service.add(site.container("web", "n"), upstreams=("127.0.0.53",))
    with udp(site.sandboxes["web"]) as own:
        own.bind(("127.0.0.53", 53))
        service.start()
        try:
            with udp(site.sandboxes["web"]) as client:
                client.sendto(question("www.example"), SERVER)
                assert codec.parse(own.recv(512)) is not None
            assert of_host.asked == []
        finally:
            service.close()
            of_host.close()


def test_a_detached_container_must_get_no_answer(site: Site, service: Service) -> None:
    """Its sockets are closed, so that a query is refused at once."""
    site.network("n")
    web = site.container("web", "n")
    service.add(web)
    service.resolver.detach(web.id)
    service.resolver.detach(web.id)
    service.zone.remove(web.id)
    with udp(site.sandboxes["web"]) as client:
        client.connect(SERVER)
        client.send(question("web"))
        with pytest.raises(ConnectionRefusedError):
            client.recv(512)


def test_a_sandbox_without_endpoints_must_have_a_loopback_alone(site: Site) -> None:
    """network_mode: none."""
    descriptor = site.controller.create_sandbox("0" * 64, "shop", ())
    try:
        with netns.inside(descriptor):
            assert [name for _, name in socket.if_nameindex()] == ["lo"]
            assert "127.0.0.1" in Path("/proc/thread-self/net/fib_trie").read_text()
            with NetlinkSocket(NETLINK_ROUTE), socket.socket() as one, socket.socket() as other:
                one.bind(("127.0.0.1", 80))
                one.listen()
                other.connect(("127.0.0.1", 80))
    finally:
        os.close(descriptor)
