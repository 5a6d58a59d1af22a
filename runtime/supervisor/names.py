"""Names of containers, answered at 127.0.0.11 inside each sandbox: runtime.resolver in the supervisor's loop.

The sockets belong to the sandbox: opened at the first start, kept over restarts and, by the keeper, over
the death of a supervisor, so that a query finds at worst a slow answer.
"""

import os
import socket
import sys
import time
from collections.abc import Iterable

from runtime.errors import EngineError
from runtime.resolver import upstreams
from runtime.resolver.server import Resolver
from runtime.resolver.sockets import open_sockets
from runtime.resolver.zone import Zone
from runtime.state import networks
from runtime.state.database import Database
from runtime.supervisor.custody import Custody
from runtime.supervisor.loop import Loop, Timer
from schemas.engine.records import ContainerRecord, EndpointRecord


class Names:
    """The project's DNS."""

    def __init__(self, project: str, database: Database, custody: Custody, loop: Loop) -> None:
        self._project = project
        self._database = database
        self._custody = custody
        self._loop = loop
        self._zone = Zone(self._foreign)
        self._resolver = Resolver(self._zone, upstreams.HostServers())
        self._attached: set[str] = set()
        self._timer: Timer | None = None
        loop.watch(self._resolver.fileno(), self._readable)

    def open(self, container: ContainerRecord) -> None:
        """Have the sockets in a container's sandbox ready before its program asks its first question."""
        sandbox = self._custody.get(f"sandbox:{container.id}")
        if sandbox is None or not container.endpoints or container.id in self._attached:
            return
        try:
            udp, tcp = self._sockets(container.id, sandbox)
            self._resolver.attach(
                container.id,
                udp,
                tcp,
                upstreams=upstreams.of_container(container.spec.dns) if container.spec.dns else (),
                netns_fd=sandbox,
                forwards=self._reaches_out(container),
            )
        except (OSError, EngineError) as error:
            # A container without names is worth more than none.
            sys.stderr.write(f"no names in container `{container.name}`: {error}\n")
            return
        self._attached.add(container.id)

    def add(self, container: ContainerRecord) -> None:
        """Make a running container known to the others, and answer it."""
        self.open(container)
        links = [link for endpoint in container.spec.endpoints for link in endpoint.links]
        self._zone.add(container.id, container.endpoints, links)

    def remove(self, container_id: str) -> None:
        """Make a container unknown that has ended. Idempotent."""
        self._zone.remove(container_id)

    def close(self, container_id: str) -> None:
        """Close the sockets in a sandbox that is about to go. Idempotent."""
        self._zone.remove(container_id)
        self._resolver.detach(container_id)
        self._attached.discard(container_id)
        self._custody.drop(f"dns-udp:{container_id}", f"dns-tcp:{container_id}")

    def _sockets(self, container_id: str, sandbox: int) -> tuple[socket.socket, socket.socket]:
        """Return duplicates of the sockets that are held, or new ones."""
        names = (f"dns-udp:{container_id}", f"dns-tcp:{container_id}")
        held = [self._custody.get(name) for name in names]
        if None in held:
            for name, opened in zip(names, open_sockets(sandbox), strict=True):
                self._custody.hold(name, opened.detach())
            held = [self._custody.get(name) for name in names]
        udp, tcp = (socket.socket(fileno=os.dup(descriptor)) for descriptor in held if descriptor is not None)
        return udp, tcp

    def _reaches_out(self, container: ContainerRecord) -> bool:
        """Whether a network of it leads out of the host: only then may its questions (CVE-2024-29018)."""
        ids = {endpoint.network_id for endpoint in container.endpoints}
        return any(not record.spec.internal for record in networks.all_of(self._database.read()) if record.id in ids)

    def _foreign(self, network_ids: tuple[str, ...]) -> Iterable[EndpointRecord]:
        found = networks.running_endpoints(self._database.read(), network_ids, except_project=self._project)
        return [endpoint for _, endpoint in found]

    def _readable(self) -> None:
        self._resolver.readable()
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._resolver.deadline()
        if deadline is not None:
            self._timer = self._loop.after(max(0.0, deadline - time.monotonic()), self._tick)

    def _tick(self) -> None:
        self._resolver.tick(time.monotonic())
        self._schedule()
