"""Keeping each project's table in the kernel in line with the state.

The first change a command makes replaces the table whole from the state; later ones send only what
differs. What closes (a stopped container's ports) is collected for a moment: the kernel waits some
15 ms for readers each time something is taken out, and `down` takes thirty things out at once.
"""

import threading
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path

from runtime.errors import EngineError, SyscallError
from runtime.network import conntrack, drivers, firewall, forwarding, nftables
from runtime.network.firewall import BridgeNeeds, PortNeeds
from runtime.state import networks
from runtime.state.database import Database
from schemas.dataclass import dataclass
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
    _foreign_checked: set[str] = field(default_factory=set)
    _loopback_reaches: set[str] = field(default_factory=set)

    def apply(self, project: str) -> None:
        """Bring a project's table in line with the state. Raises Unsupported, PermissionDenied, SyscallError."""
        with self._lock:
            connection = self.database.read()
            bridges = [
                bridge_needs(each) for each in networks.all_of(connection, project) if each.spec.driver == "bridge"
            ]
            ports = self._ports(project)
            if not bridges and not ports:
                self.delete(project)
                return
            self._commit(project, firewall.plan(firewall.table_name(self.state, project), bridges, ports))
            self._reach_by_loopback(ports)

    def renew(self, project: str) -> None:
        """Replace a project's table whole: what this process put there may be gone."""
        with self._lock:
            self._known.pop(project, None)
            self._loopback_reaches.clear()
            self.apply(project)

    def ensure(self, project: str) -> None:
        """Apply, unless it was applied and nothing has changed since."""
        with self._lock:
            known = self._known.get(project)
            if known is None or known.stale:
                self.apply(project)

    def open(self, project: str, endpoints: Sequence[EndpointRecord], ports: Sequence[PublishedPort]) -> None:
        """Let a container's published ports in; the rows are in the state already."""
        with self._lock:
            needs = self._needs(endpoints, ports)
            known = self._known.get(project)
            if known is None or known.stale:
                self.apply(project)
            else:
                self._commit(project, firewall.with_ports(known.table, needs))
                self._reach_by_loopback(needs)
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

    def _ports(self, project: str) -> list[PortNeeds]:
        connection = self.database.read()
        return [
            need
            for container_id, published in networks.ports_of_project(connection, project).items()
            for need in self._needs(networks.endpoints(connection, container_id), published)
        ]

    def _needs(self, endpoints: Sequence[EndpointRecord], ports: Sequence[PublishedPort]) -> list[PortNeeds]:
        # Published ports lead to the endpoint with the default route: answers leave by it.
        target = next((each for each in endpoints if each.default_gateway), None)
        if target is None or not ports:
            return []
        bridge = networks.find(self.database.read(), target.network_id).bridge
        return [
            PortNeeds(
                each.protocol,
                each.host_ip,
                each.host_port,
                target.ipv6_address if ":" in each.host_ip else target.ipv4_address,
                each.container_port,
                bridge,
            )
            for each in ports
        ]

    def _commit(self, project: str, wanted: nftables.Table) -> None:
        known = self._known.pop(project, None)
        try:
            if known is not None and known.table.name:
                nftables.commit(firewall.difference(known.table, wanted))
            elif not nftables.table_exists(wanted.name):
                nftables.commit(nftables.creating(wanted))
            else:
                nftables.commit(nftables.replacing(wanted))
        except SyscallError:
            # Another process changed the table meanwhile, so that a part of the difference is not there.
            nftables.commit(nftables.replacing(wanted))
        self._known[project] = _Known(wanted)
        chains = (chain.name for chain in wanted.chains if chain.name.startswith(firewall.BRIDGE_CHAIN))
        bridges = [chain.removeprefix(firewall.BRIDGE_CHAIN) for chain in chains]
        if missing := forwarding.patterns_of(bridges) - self._foreign_checked:
            forwarding.pass_foreign_policies(missing)
            self._foreign_checked |= missing

    def _reach_by_loopback(self, ports: Sequence[PortNeeds]) -> None:
        # Only now that the table keeps others from using it.
        for bridge in {each.bridge for each in ports if each.bridge} - self._loopback_reaches:
            switch = _SYSCTL / bridge / "route_localnet"
            if switch.exists():
                switch.write_text("1")
                self._loopback_reaches.add(bridge)


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
