"""Each test has a network namespace of its own, in which it is "the host"; nothing touches the machine's."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.network import nftables
from runtime.network.controller import NetworkController
from runtime.network.netlink_socket import DUMP, NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket, attributes
from runtime.paths import Paths
from runtime.resolver import netns
from runtime.state import containers, networks
from runtime.state.database import Database
from schemas.engine.identifiers import ContainerID, ImageID, new_id
from schemas.engine.records import ContainerRecord
from schemas.engine.specs import ContainerSpec, EndpointSpec, NetworkSpec, PortBinding
from schemas.engine.status import ContainerStatus

pytest.importorskip("pyroute2")
from runtime.network import netlink


def nft_tables() -> list[str]:
    """Return the names of this network namespace's nftables tables of ours."""
    with NetlinkSocket(NETLINK_NETFILTER) as netlink_:
        answers = netlink_.dump(nftables.nft_message(nftables.GET_TABLE, DUMP, 0, b""))
    names = [attributes(body, 4)[1].rstrip(b"\0").decode() for _, body in answers]
    return [name for name in names if name.startswith("pycompose")]


@pytest.fixture
def host() -> Iterator[None]:
    """Make this thread live in an empty network namespace with a loopback; check that nothing stays in it."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    home = netns.current()
    netns.make()
    with NetlinkSocket(NETLINK_ROUTE) as route:
        route.request([(netlink.up(1), "lo")])
    before = {name for _, name in socket.if_nameindex()}
    try:
        yield
        deadline = time.monotonic() + 5
        while (
            left := {name for _, name in socket.if_nameindex()} - before - {"outside"}
        ) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not left, f"links left behind: {left}"
        assert not (tables := nft_tables()), f"tables left behind: {tables}"
    finally:
        netns.enter(home)
        os.close(home)


class Site:
    """A state directory, a controller, and containers that are a sandbox and a row."""

    def __init__(self, root: Path) -> None:
        self.paths = Paths(root / "state", root / "run")
        self.database = Database(self.paths.database)
        self.controller = NetworkController(self.database, self.paths)
        self.sandboxes: dict[str, int] = {}
        self.reservations: dict[str, list[int]] = {}

    def network(self, name: str, **settings: object) -> None:
        self.controller.create_network(NetworkSpec(name, **{"project": "shop", **settings}))  # type: ignore[arg-type]

    def container(
        self, name: str, *networks_: str, ports: tuple[PortBinding, ...] = (), project: str = "shop"
    ) -> ContainerRecord:
        """Create and "start" a container: its row, its endpoints, its sandbox, its ports."""
        spec = ContainerSpec(
            name,
            "image",
            project=project,
            service=name,
            endpoints=tuple(EndpointSpec(each) for each in networks_),
            ports=ports,
        )
        record = ContainerRecord(ContainerID(new_id()), spec, ImageID("i"), time.time_ns(), ContainerStatus.CREATED)
        with self.database.transaction() as connection:
            containers.insert(connection, record)
            self.controller.allocate(connection, record.id, spec)
        record = containers.find(self.database.read(), record.id)
        self.sandboxes[name] = self.controller.create_sandbox(record.id, project, record.endpoints)
        if ports:
            _, self.reservations[name] = self.controller.publish(record)
        with self.database.transaction() as connection:
            containers.change(connection, record.id, status=ContainerStatus.RUNNING.value)
        return containers.find(self.database.read(), record.id)

    def stop(self, name: str) -> None:
        for descriptor in self.reservations.pop(name, []):
            os.close(descriptor)
        self.controller.unpublish(containers.find(self.database.read(), name).id)

    def close(self) -> None:
        """Take everything away, as `down` does."""
        for name, descriptor in self.sandboxes.items():
            self.stop(name)
            os.close(descriptor)
        with self.database.transaction() as connection:
            for record in containers.all_of(connection):
                containers.remove(connection, record.id)
        for network in networks.all_of(self.database.read()):
            self.controller.remove_network(network)
        self.controller.close()
        self.database.close()


@pytest.fixture
def site(host: None, tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def outside(host: None) -> Iterator[int]:
    """The world beyond the host: 10.99.0.2 behind the host's 10.99.0.1, with a route to every container."""
    home = netns.current()
    netns.make()
    descriptor = netns.current()
    with NetlinkSocket(NETLINK_ROUTE) as far:
        netns.enter(home)
        near = NetlinkSocket(NETLINK_ROUTE)
        with near:
            peer: dict[str, str | int] = {"name": "eth0", "mac_address": "02:00:00:00:99:02", "netns": descriptor}
            near.request(netlink.bridge("outside", "02:00:00:00:99:01", 1500, "outside")[:1])
            near.request([(netlink.veth("uplink", netlink.index("outside"), 1500, peer), "uplink")])
            near.request([(netlink.address(netlink.index("outside"), "10.99.0.1/24"), "address")])
        with netns.inside(descriptor):
            link = netlink.index("eth0")
        far.request(
            [
                (netlink.up(1), "lo"),
                (netlink.address(link, "10.99.0.2/24"), "address"),
                (netlink.up(link), "eth0"),
                (netlink.default_route("10.99.0.1"), "route"),
            ]
        )
    os.close(home)
    yield descriptor
    os.close(descriptor)
