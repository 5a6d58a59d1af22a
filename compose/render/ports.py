"""The PORTS column (docker/cli, cli/command/formatter/container.go: DisplayablePorts)."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Publisher(NamedTuple):
    """A container port, and where the host publishes it. The order of the fields is the order of the column."""

    target_port: int
    url: str = ""
    """Address on the host; empty where the port is exposed only."""
    published_port: int = 0
    protocol: str = "tcp"


def displayable_ports(publishers: Iterable[Publisher]) -> str:
    """Return `0.0.0.0:8080->80/tcp, 9000-9002/tcp`: equal ports in a row as ranges, the others after them."""
    ranges: dict[tuple[str, str], list[int]] = {}
    closed: list[str] = []
    mappings: list[str] = []
    for port in sorted(publishers):
        if port.url and port.published_port != port.target_port:
            mappings.append(f"{_host(port.url)}:{port.published_port}->{port.target_port}/{port.protocol}")
            continue
        key = (port.url, port.protocol)
        span = ranges.get(key)
        if span is not None and port.target_port in (span[1], span[1] + 1):
            span[1] = port.target_port
            continue
        if span is not None:
            closed.append(_range(key, span))
        ranges[key] = [port.target_port, port.target_port]
    return ", ".join([*closed, *(_range(key, span) for key, span in ranges.items()), *mappings])


def _range(key: tuple[str, str], span: Sequence[int]) -> str:
    url, protocol = key
    ports = str(span[0]) if span[0] == span[1] else f"{span[0]}-{span[1]}"
    return f"{_host(url)}:{ports}->{ports}/{protocol}" if url else f"{ports}/{protocol}"


def _host(url: str) -> str:
    return f"[{url}]" if ":" in url else url
