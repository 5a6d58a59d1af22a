"""The network controller: what the engine asks of networks, in libnetwork's words.

State first, kernel second: a network's row is there before its bridge, so that a bridge is never
without an owner; `reconcile` puts right what a crash or a reboot left. Links are made by the worker,
rules are sent from here.
"""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace

from runtime.errors import AlreadyExists, Conflict, EngineError, FailedPrecondition, NotFound
from runtime.network import creation, drivers, endpoints, firewall, forwarding, publication
from runtime.network.enforcement import Enforcement
from runtime.network.messages import DeleteLink, ListAliases, MakeBridge, MakeSandbox, SandboxEndpoint
from runtime.network.worker_client import WorkerClient
from runtime.paths import Paths
from runtime.state import containers, intents, journal, networks
from runtime.state.database import Database
from schemas.engine.events import EngineEvent
from schemas.engine.records import ContainerRecord, EndpointRecord, NetworkRecord, PublishedPort
from schemas.engine.specs import ContainerSpec, NetworkSpec, PortBinding

MAKE, REMOVE = "make network", "remove network"
"""Intents: one that stands when nobody holds the project's lock has `reconcile` called."""

_WITHOUT_ENDPOINTS = ("host", "none", "container:")


class NetworkController:
    """Networks, endpoints, sandboxes and published ports. Every method may be called from several threads."""

    def __init__(self, database: Database, paths: Paths) -> None:
        self._database = database
        self._tag = firewall.root_tag(paths.state)
        self._worker = WorkerClient()
        self._firewall = Enforcement(database, paths.state)

    def warm_up(self) -> None:
        """Start the worker and do not wait for it. Idempotent."""
        self._worker.warm_up()

    def create_network(self, spec: NetworkSpec) -> NetworkRecord:
        """Make a network. Idempotent for an equal spec.

        Raises AlreadyExists for another one of its name, Unsupported (driver, option), InvalidArgument,
        Conflict (subnet taken), ResourceExhausted (no subnet left).
        """
        if spec.driver in drivers.BUILT_IN or spec.name in drivers.BUILT_IN:
            raise AlreadyExists(f"network `{spec.name}`: `host` and `none` are there already", hint="use network_mode")
        with self._database.transaction() as connection:
            existing = networks.named(connection, spec.name)
            if existing is not None and existing.spec != spec:
                raise AlreadyExists(f"a network named `{spec.name}` already exists, with other settings")
            record = existing or self._record_network(connection, spec)
            intent = intents.begin(connection, spec.project, MAKE, record.id)
        try:
            self._ensure_bridge(record)
        except BaseException:
            if existing is None:
                self._forget(record)
            raise
        finally:
            self._finish(intent)
        if existing is None:
            self._firewall.changed(spec.project)
        return record

    def remove_network(self, record: NetworkRecord) -> None:
        """Remove a network. Idempotent. Raises FailedPrecondition while a container stands on it."""
        with self._database.transaction() as connection:
            if users := networks.users(connection, record.id):
                listed = ", ".join(f'name:"{name}" id:"{container_id[:12]}"' for name, container_id in users)
                raise FailedPrecondition(
                    f"network `{record.name}` has active endpoints ({listed})", hint="remove these containers first"
                )
            networks.remove(connection, record.id)
            journal.append(connection, _event(record, "destroy"))
            intent = intents.begin(connection, record.spec.project, REMOVE, record.id)
            last = not networks.all_of(connection, record.spec.project)
        # Both make the kernel wait for its readers, some 20 ms each, so they go on together.
        with self._worker.meanwhile(DeleteLink(record.bridge)) if record.bridge else nullcontext():
            if last:
                self._firewall.delete(record.spec.project)
            else:
                self._firewall.changed(record.spec.project)
        self._finish(intent)

    def allocate(
        self,
        connection: sqlite3.Connection,
        container_id: str,
        spec: ContainerSpec,
        names: Mapping[str, Sequence[str]] | None = None,
    ) -> tuple[EndpointRecord, ...]:
        """Give a container its places and addresses, in the caller's transaction; return them in interface order.

        `names` overrides what it answers to, by network name. Raises NotFound (network), InvalidArgument,
        Conflict (address), ResourceExhausted.
        """
        if spec.network_mode.startswith(_WITHOUT_ENDPOINTS):
            return ()
        wanted = endpoints.in_order(spec)
        known = {each.network: self._network(connection, each.network) for each in wanted}
        leading = endpoints.gateway_of(wanted, known)
        records = []
        for position, each in enumerate(wanted):
            network = known[each.network]
            record = endpoints.allocated(
                container_id, each, network, networks.addresses(connection, network.id), position
            )
            answers_to = (names or {}).get(each.network, endpoints.names_of(container_id, spec, each))
            record = replace(record, names=tuple(answers_to), default_gateway=each.network == leading)
            networks.insert_endpoint(connection, container_id, position, record)
            records.append(record)
        return tuple(records)

    def create_sandbox(self, container_id: str, project: str, places: Sequence[EndpointRecord]) -> int:
        """Make a container's network stack; return the descriptor that keeps it, the caller's to close.

        Without endpoints it has a loopback alone. Bridges and rules that a reboot took are made again first.
        """
        made: list[SandboxEndpoint] = []
        for place in places:
            network = networks.find(self._database.read(), place.network_id)
            self._ensure_bridge(network)
            made.append(endpoints.to_make(place, network))
            self._firewall.ensure(network.spec.project)
        try:
            return self._worker.make_sandbox(MakeSandbox(tuple(made), resolver=bool(made)))
        except EngineError as error:
            error.add_note(f"while making the network stack of {project}/{container_id[:12]}")
            raise

    def publish(self, record: ContainerRecord) -> tuple[tuple[PublishedPort, ...], list[int]]:
        """Publish a container's ports and let packets in; return them and the descriptors that hold them.

        A container on internal networks alone publishes none. The descriptors are the caller's: a port is
        taken for as long as one is open. Raises Conflict that names the holder, Unsupported (host address
        of IPv6 without one in the container).
        """
        project = record.spec.project
        if not any(each.default_gateway for each in record.endpoints):
            # On internal networks alone nothing from outside could reach it.
            return (), []
        ipv6 = any(each.default_gateway and each.ipv6_address for each in record.endpoints)
        connection = self._database.read()
        ports, descriptors = publication.reserve_all(connection, record.id, record.spec.ports, ipv6=ipv6)
        try:
            with self._database.transaction() as connection:
                overtaken = publication.claimants(connection, record.id, ports)
                projects = {containers.find(connection, each).spec.project for each in overtaken}
                for each in (record.id, *overtaken):
                    networks.remove_ports(connection, each)
                networks.insert_ports(connection, record.id, ports)
            for other in projects:
                self._firewall.apply(other)
            self._firewall.open(project, record.endpoints, ports)
        except BaseException:
            publication.release(descriptors)
            raise
        return tuple(ports), descriptors

    def unpublish(self, container_id: str) -> None:
        """Forget a container's published ports; its holder closes the descriptors. Idempotent."""
        with self._database.transaction() as connection:
            networks.remove_ports(connection, container_id)
            project = containers.find(connection, container_id).spec.project
        self._firewall.changed(project)

    def check_ports(self, bindings: Sequence[tuple[str, PortBinding]], *, ignoring: Sequence[str] = ()) -> None:
        """Raise Conflict, naming the holder, when a published port is taken. `ignoring` are container ids."""
        publication.check(self._database.read(), bindings, frozenset(ignoring))

    def apply_firewall(self, project: str) -> None:
        """Bring the project's rules in line with the state at once."""
        self._firewall.apply(project)

    def reconcile(self, project: str) -> None:
        """Make what the state has and the kernel has not, and remove bridges of ours without a row."""
        connection = self._database.read()
        mine = networks.all_of(connection, project)
        self._remove_orphans({each.bridge for each in networks.all_of(connection) if each.bridge})
        for each in mine:
            self._ensure_bridge(each)
        self._firewall.renew(project)
        with self._database.transaction() as writing:
            for intent in intents.of_project(writing, project):
                if intent.action in {MAKE, REMOVE}:
                    intents.finish(writing, intent.id)

    def close(self) -> None:
        """Finish what is pending and end the worker."""
        try:
            self._firewall.close()
        finally:
            self._worker.close()

    def _record_network(self, connection: sqlite3.Connection, spec: NetworkSpec) -> NetworkRecord:
        record = creation.new_network(spec, networks.all_of(connection), created_ns=time.time_ns())
        if record.bridge and creation.link_exists(record.bridge):
            raise Conflict(
                f"network `{spec.name}`: the host has an interface `{record.bridge}` already",
                hint="choose another com.docker.network.bridge.name",
            )
        networks.insert(connection, record)
        journal.append(connection, _event(record, "create"))
        return record

    def _finish(self, intent: int) -> None:
        with self._database.transaction() as connection:
            intents.finish(connection, intent)

    def _network(self, connection: sqlite3.Connection, name: str) -> NetworkRecord:
        found = networks.named(connection, name)
        if found is not None:
            return found
        if name != drivers.DEFAULT_NETWORK:
            raise NotFound(f"network `{name}` not found")
        # Docker's default network is there when it is first needed; its bridge is made with the sandbox.
        return self._record_network(connection, NetworkSpec(drivers.DEFAULT_NETWORK))

    def _forget(self, record: NetworkRecord) -> None:
        with self._database.transaction() as connection:
            networks.remove(connection, record.id)
            journal.append(connection, _event(record, "destroy"))
        if record.bridge:
            self._worker.ask(DeleteLink(record.bridge))

    def _ensure_bridge(self, record: NetworkRecord) -> None:
        if not record.bridge or creation.link_exists(record.bridge):
            return
        options = drivers.options_of(record.spec, record.id)
        self._worker.ask(
            MakeBridge(
                record.bridge,
                drivers.mac_address(record.id),
                options.mtu,
                f"pycompose {self._tag} {record.name}",
                creation.bridge_addresses(record),
                ipv6=bool(record.ipv6_subnet),
            )
        )
        if not record.spec.internal:
            forwarding.switch_on(4)
            if record.ipv6_subnet:
                forwarding.switch_on(6)

    def _remove_orphans(self, known: set[str]) -> None:
        owner = f"pycompose {self._tag} "
        for name, alias in self._worker.ask(ListAliases()).items():
            if alias.startswith(owner) and name not in known:
                self._worker.ask(DeleteLink(name))


def _event(record: NetworkRecord, action: str) -> EngineEvent:
    return EngineEvent("network", action, record.id, record.spec.project, "", record.name, {"type": record.spec.driver})
