"""A container as `ps` shows it: docker compose's columns and JSON keys.

Source: docker/compose, cmd/formatter/container.go; moby, daemon/container/state.go (`String`) for the status.
"""

import json
import time
from collections.abc import Iterable

from compose.render.duration import human_duration
from compose.render.ports import Publisher, displayable_ports
from compose.render.text import ellipsis
from schemas.engine.records import ContainerRecord
from schemas.engine.status import ContainerStatus, HealthStatus

HEADINGS = {
    "Name": "NAME",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "Service": "SERVICE",
    "RunningFor": "CREATED",
    "Status": "STATUS",
    "Ports": "PORTS",
}
"""Columns of the table: key of the row, heading."""
COMMAND_LENGTH = 20
MOUNT_LENGTH = 15
SHORT_ID = 12
_SECOND = 1_000_000_000


def container_row(
    record: ContainerRecord, *, now_ns: int, exposed: Iterable[str] = (), truncate: bool = True
) -> dict[str, object]:
    """Return every field of one container. `exposed` are the ports its image exposes (`80/tcp`)."""
    spec = record.spec
    publishers = publishers_of(record, exposed)
    mounts = mount_names(record)
    return {
        "Command": quoted_command(record.command, truncate=truncate),
        "CreatedAt": time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(record.created_ns // _SECOND)),
        "ExitCode": record.exit_code,
        "Health": record.health.value,
        "ID": record.id[:SHORT_ID] if truncate else record.id,
        "Image": spec.image,
        "Labels": ",".join(f"{key}={value}" for key, value in spec.labels.items()),
        "LocalVolumes": str(len(record.volumes)),
        "Mounts": ",".join(ellipsis(name, MOUNT_LENGTH) if truncate else name for name in mounts),
        "Name": record.name,
        "Names": record.name,
        "Networks": ",".join(endpoint.network for endpoint in record.endpoints),
        "Ports": displayable_ports(publishers),
        "Project": spec.project,
        "Publishers": [
            {
                "URL": port.url,
                "TargetPort": port.target_port,
                "PublishedPort": port.published_port,
                "Protocol": port.protocol,
            }
            for port in publishers
        ]
        or None,
        "RunningFor": f"{human_duration((now_ns - record.created_ns) / _SECOND)} ago",
        "Service": spec.service,
        "Size": "0B",
        "State": record.status.value,
        "Status": status_text(record, now_ns),
    }


def status_text(record: ContainerRecord, now_ns: int) -> str:
    """Return `Up 3 seconds (healthy)`, `Exited (1) 2 minutes ago`, ….

    A container whose start failed is `Created`, as Docker has it.
    """
    up = f"Up {human_duration((now_ns - record.started_ns) / _SECOND)}"
    ended = f"({record.exit_code}) {human_duration((now_ns - record.finished_ns) / _SECOND)} ago"
    match record.status:
        case ContainerStatus.PAUSED:
            return f"{up} (Paused)"
        case ContainerStatus.RESTARTING:
            return f"Restarting {ended}"
        case ContainerStatus.RUNNING:
            if record.health is HealthStatus.NONE:
                return up
            prefix = "health: " if record.health is HealthStatus.STARTING else ""
            return f"{up} ({prefix}{record.health.value})"
        case ContainerStatus.REMOVING:
            return "Removal In Progress"
        case ContainerStatus.DEAD:
            return "Dead"
        case ContainerStatus.CREATED:
            return "Created"
        case ContainerStatus.EXITED:
            return f"Exited {ended}" if record.started_ns else "Created"


def quoted_command(command: Iterable[str], *, truncate: bool = True) -> str:
    """Return the command between double quotes; arguments with spaces in single ones (daemon/list.go)."""
    arguments = [
        f"'{argument}'" if position and " " in argument else argument for position, argument in enumerate(command)
    ]
    text = " ".join(arguments)
    return json.dumps(ellipsis(text, COMMAND_LENGTH) if truncate else text, ensure_ascii=False)


def mount_names(record: ContainerRecord) -> list[str]:
    """Return the volumes' names and the bind mounts' sources."""
    binds = [mount.source for mount in record.spec.mounts if mount.type == "bind"]
    return [*record.volumes, *binds]


def publishers_of(record: ContainerRecord, exposed: Iterable[str] = ()) -> list[Publisher]:
    """Return published ports, and exposed ones that are not published, in the column's order.

    A container without a process has none: its ports are free.
    """
    if not record.status.is_live:
        return []
    published = [
        Publisher(port.container_port, port.host_ip or "0.0.0.0", port.host_port, port.protocol)  # noqa: S104 - shown, not bound
        for port in record.ports
    ]
    taken = {(port.target_port, port.protocol) for port in published}
    open_only = {Publisher(port, protocol=protocol) for text in exposed for port, protocol in _ports(text)}
    return sorted([*published, *(port for port in open_only if (port.target_port, port.protocol) not in taken)])


def _ports(text: str) -> list[tuple[int, str]]:
    """Return the ports of `80`, `80/udp`, `3000-3005/tcp`; none for what is no port."""
    span, _, protocol = text.partition("/")
    first, _, last = span.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        return []
    return [(port, protocol or "tcp") for port in range(int(first), int(last or first) + 1)]
