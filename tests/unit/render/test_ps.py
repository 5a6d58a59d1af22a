"""What `ps` says of a container, against lines of docker compose."""

from dataclasses import replace
from typing import Any

import pytest

from compose.render.ps import container_row, quoted_command, status_text
from schemas.engine.identifiers import ContainerID, ImageID
from schemas.engine.records import ContainerRecord, PublishedPort
from schemas.engine.specs import ContainerSpec, Mount
from schemas.engine.status import ContainerStatus, HealthStatus

SECOND = 1_000_000_000
NOW = 1_795_498_300 * SECOND


def _record(**changes: Any) -> ContainerRecord:
    record = ContainerRecord(
        id=ContainerID("5877f31d557fc6a8633bddb667eb83f30eba5c6c47bedd8fcf5a185be1a19e43"),
        spec=ContainerSpec(
            name="shop-db-1",
            image="busybox",
            project="shop",
            service="db",
            number=1,
            mounts=(Mount("bind", "/x", "/srv/cli/shop/compose.yaml"),),
        ),
        image_id=ImageID("sha256:00"),
        created_ns=NOW - 3 * SECOND,
        started_ns=NOW - 2 * SECOND,
        status=ContainerStatus.RUNNING,
        command=("sleep", "1000"),
        volumes=("shop_data",),
    )
    return replace(record, **changes)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "Up 2 seconds"),
        ({"health": HealthStatus.HEALTHY}, "Up 2 seconds (healthy)"),
        ({"health": HealthStatus.STARTING}, "Up 2 seconds (health: starting)"),
        ({"status": ContainerStatus.PAUSED, "health": HealthStatus.HEALTHY}, "Up 2 seconds (Paused)"),
        (
            {"status": ContainerStatus.EXITED, "exit_code": 3, "finished_ns": NOW - 120 * SECOND},
            "Exited (3) 2 minutes ago",
        ),
        (
            {"status": ContainerStatus.RESTARTING, "exit_code": 1, "finished_ns": NOW},
            "Restarting (1) Less than a second ago",
        ),
        ({"status": ContainerStatus.CREATED, "started_ns": 0}, "Created"),
        ({"status": ContainerStatus.DEAD}, "Dead"),
        ({"status": ContainerStatus.REMOVING}, "Removal In Progress"),
    ],
)
def test_status_must_be_worded_as_docker_does(changes: dict[str, Any], text: str) -> None:
    """moby's State.String."""
    assert status_text(_record(**changes), NOW) == text


def test_a_row_must_have_docker_composes_keys_and_values() -> None:
    """The object of `ps --format json`."""
    row = container_row(_record(), now_ns=NOW, exposed=("5432/tcp",))
    assert list(row) == [
        "Command", "CreatedAt", "ExitCode", "Health", "ID", "Image", "Labels", "LocalVolumes", "Mounts", "Name",
        "Names", "Networks", "Ports", "Project", "Publishers", "RunningFor", "Service", "Size", "State", "Status",
    ]  # fmt: skip
    assert row["Command"] == '"sleep 1000"'
    assert row["ID"] == "5877f31d557f"
    assert row["LocalVolumes"] == "1"
    assert row["Mounts"] == "shop_data,/srv/cli/shop/…"
    assert row["Ports"] == "5432/tcp"
    assert row["Publishers"] == [{"URL": "", "TargetPort": 5432, "PublishedPort": 0, "Protocol": "tcp"}]
    assert row["RunningFor"] == "3 seconds ago"
    assert row["Status"] == "Up 2 seconds"


def test_a_published_port_must_not_be_listed_as_exposed_too() -> None:
    """The image's EXPOSE adds only what is not published."""
    record = _record(ports=(PublishedPort("0.0.0.0", 8080, 80, "tcp"),))
    row = container_row(record, now_ns=NOW, exposed=("80/tcp", "81"))
    assert row["Ports"] == "81/tcp, 0.0.0.0:8080->80/tcp"


def test_a_stopped_container_must_publish_nothing() -> None:
    """Its ports are free."""
    record = _record(status=ContainerStatus.EXITED, ports=(PublishedPort("0.0.0.0", 8080, 80, "tcp"),))
    row = container_row(record, now_ns=NOW, exposed=("80/tcp",))
    assert (row["Ports"], row["Publishers"]) == ("", None)


def test_a_long_command_must_be_cut_at_twenty_characters() -> None:
    """Arguments with spaces are quoted, as the engine does."""
    command = ("sh", "-c", "echo hello from web; echo")
    assert quoted_command(command) == '"sh -c \'echo hello f…"'
    assert quoted_command(command, truncate=False) == "\"sh -c 'echo hello from web; echo'\""
    assert quoted_command(("sh", "-c", "a\nb")) == r'"sh -c a\nb"'
