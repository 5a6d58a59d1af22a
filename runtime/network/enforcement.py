"""Keeping each project's table in the kernel in line with the state.

The first change a command makes replaces the table whole from the state; later ones send only what
differs. What closes (a stopped container's ports) is collected for a moment: the kernel waits some
15 ms for readers each time something is taken out, and `down` takes thirty things out at once.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtime.errors import EngineError
from runtime.network import conntrack, drivers, firewall, forwarding, nftables
from runtime.network.firewall import BridgeNeeds, PortNeeds
from runtime.state import networks
from runtime.state.database import Database
from schemas.engine.records import EndpointRecord, NetworkRecord, PublishedPort

_COLLECT_S = 0.05
_SYSCTL = Path("/proc/sys/net/ipv4/conf")


@dataclass(slots=True)
class _Known:
    """What this process put into the kernel for a project."""

    table: nftables.Table
    stale: bool = False
    """Whether the state has changed since in a way that has not reached the kernel."""


@dataclass(slots=True)
class Enforcement:
    """The firewall of all projects this process deals with."""

    database: Database
    state: Path
    _known: dict[str, _Known] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _timer: threading.Timer | None = None
    _foreign_checked: bool = False

    def apply(self, project: str) -> None:
        """Bring a project's table in line with the state. Raises Unsupported, PermissionDenied, SyscallError."""
        with self._lock:
            wanted = self._wanted(project)
            self._commit(project, wanted)

    def ensure(self, project: str) -> None:
        """Apply, unless it was applied and nothing has changed since."""
        with self._lock:
            known = self._known.get(project)
            if known is None or known.stale:
                self.apply(project)

    def open(self, project: str, needs: Sequence[PortNeeds]) -> None:
        """Let a container's published ports in; the rows are in the state already."""
        with self._lock:
            known = self._known.get(project)
            if known is None or known.stale:
                self.apply(project)
            else:
                self._commit(project, firewall.with_ports(known.table, needs))
            conntrack.forget_udp([each.host_port for each in needs if each.protocol == "udp"])

    def changed(self, project: str) -> None:
        """Note that less is needed than before: done within 50 ms, or by the next change, or by `close`."""
        with self._lock:
            if (known := self._known.get(project)) is not None:
                known.stale = True
            else:
                self._known[project] = _Known(nftables.Table("", (), ()), stale=True)
            if self._timer is None:
                self._timer = threading.Timer(_COLLECT_S, self._collected)
                self._timer.daemon = True
                self._timer.start()

    def delete(self, project: str) -> None:
        """Take a project's table away. Idempotent."""
        name = firewall.table_name(self.state, project)
        with self._lock:
            self._known.pop(project, None)
            if nftables.table_exists(name):
                nftables.commit(nftables.deleting(name))

    def is_in_place(self, project: str) -> bool:
        """Whether the kernel has a table for the project."""
        return nftables.table_exists(firewall.table_name(self.state, project))

    def close(self) -> None:
        """Finish what was collected."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            for project in [project for project, known in self._known.items() if known.stale]:
                self.apply(project)

    def _collected(self) -> None:
        with self._lock:
            self._timer = None
            for project in [project for project, known in self._known.items() if known.stale]:
                try:
                    self.apply(project)
                except EngineError:
                    # It stays stale: the next change or `close` tries again and tells the caller.
                    continue

    def _wanted(self, project: str) -> nftables.Table:
        connection = self.database.read()
        bridges = [bridge_needs(each) for each in networks.all_of(connection, project) if each.spec.driver == "bridge"]
        ports = [
            need
            for container_id, published in networks.ports_of_project(connection, project).items()
            for need in port_needs(networks.endpoints(connection, container_id), published)
        ]
        return firewall.plan(firewall.table_name(self.state, project), bridges, ports)

    def _commit(self, project: str, wanted: nftables.Table) -> None:
        known = self._known.pop(project, None)
        if known is not None and known.table.name:
            messages = firewall.difference(known.table, wanted)
        elif nftables.table_exists(wanted.name):
            messages = nftables.replacing(wanted)
        else:
            messages = nftables.creating(wanted)
        nftables.commit(messages)
        self._known[project] = _Known(wanted)
        if any(chain.name.startswith(firewall.BRIDGE_CHAIN) for chain in wanted.chains):
            self._let_packets_flow(wanted)

    def _let_packets_flow(self, table: nftables.Table) -> None:
        if not self._foreign_checked:
            forwarding.pass_foreign_policies()
            self._foreign_checked = True
        if any(each.targets for each in table.maps):
            # Only now that the table keeps others from using it.
            for chain in table.chains:
                switch = _SYSCTL / chain.name.removeprefix(firewall.BRIDGE_CHAIN) / "route_localnet"
                if chain.name.startswith(firewall.BRIDGE_CHAIN) and switch.exists():
                    switch.write_text("1")


def bridge_needs(network: NetworkRecord) -> BridgeNeeds:
    """Return what a bridge network needs of the firewall."""
    options = drivers.options_of(network.spec, network.id)
    return BridgeNeeds(
        network.bridge,
        tuple(each for each in (network.subnet, network.ipv6_subnet) if each),
        internal=network.spec.internal,
        masquerade=options.masquerade,
        inter_container=options.inter_container,
    )


def port_needs(endpoints: Sequence[EndpointRecord], ports: Sequence[PublishedPort]) -> list[PortNeeds]:
    """Return what published ports need: they lead to the endpoint that has the default route."""
    target = next((each for each in endpoints if each.default_gateway), None)
    if target is None:
        return []
    return [
        PortNeeds(
            each.protocol,
            each.host_ip,
            each.host_port,
            target.ipv6_address if ":" in each.host_ip else target.ipv4_address,
            each.container_port,
        )
        for each in ports
    ]
