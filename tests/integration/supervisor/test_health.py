"""Health probes of real containers."""

import os
import signal
import time

from schemas.engine.specs import Healthcheck
from schemas.engine.status import ContainerStatus, HealthStatus
from tests.integration.supervisor.stage import Stage


def until_health(stage: Stage, container: str, status: HealthStatus) -> None:
    """Wait until a container has a health."""
    stage.until(lambda: stage.record(container).health is status)


def test_service_must_be_healthy_as_soon_as_it_is(stage: Stage) -> None:
    """The first probe does not wait an interval; the service is healthy well before it."""
    check = Healthcheck(("CMD-SHELL", "cat /ready && echo fine"), interval_s=30)
    begun = time.monotonic()
    container = stage.run("sleep 0.5; touch /ready; sleep 100", healthcheck=check)
    assert stage.record(container).health is HealthStatus.STARTING
    until_health(stage, container, HealthStatus.HEALTHY)
    assert time.monotonic() - begun < 3
    probes = stage.record(container).probes
    assert (probes[-1].exit_code, probes[-1].output) == (0, "fine\n")
    assert "health_status" in stage.actions(container)


def test_failing_probe_must_make_it_unhealthy(stage: Stage) -> None:
    """`retries` failures, an interval apart, and the last five results are kept."""
    check = Healthcheck(("CMD", "false"), interval_s=0.2, retries=3)
    begun = time.monotonic()
    container = stage.run("sleep 100", healthcheck=check)
    until_health(stage, container, HealthStatus.UNHEALTHY)
    assert 0.6 <= time.monotonic() - begun < 4
    stage.until(lambda: len(stage.record(container).probes) == 5)


def test_slow_probe_must_be_killed(stage: Stage) -> None:
    """A probe beyond its timeout counts as failed, with exit code -1."""
    check = Healthcheck(("CMD-SHELL", "echo slow; sleep 50"), interval_s=0.1, timeout_s=0.2, retries=1)
    container = stage.run("sleep 100", healthcheck=check)
    until_health(stage, container, HealthStatus.UNHEALTHY)
    probe = stage.record(container).probes[-1]
    assert probe.exit_code == -1
    assert "timeout" in probe.output
    assert probe.output.endswith("slow\n")


def test_output_of_a_probe_must_be_cut(stage: Stage) -> None:
    """4096 bytes are kept of what a probe prints; printing more does not make it hang."""
    check = Healthcheck(("CMD-SHELL", "dd if=/dev/zero bs=1024 count=300 2>/dev/null | tr '\\0' x"), interval_s=30)
    container = stage.run("sleep 100", healthcheck=check)
    until_health(stage, container, HealthStatus.HEALTHY)
    assert len(stage.record(container).probes[-1].output) == 4096


def test_probes_must_go_on_with_another_supervisor(stage: Stage) -> None:
    """Health is kept over the death of a supervisor, and looked after by the next."""
    check = Healthcheck(("CMD-SHELL", "test ! -e /broken"), interval_s=0.2, retries=1)
    container = stage.run("sleep 1; touch /broken; sleep 100", healthcheck=check)
    until_health(stage, container, HealthStatus.HEALTHY)
    os.kill(stage.supervisor(), signal.SIGKILL)
    assert stage.record(container).health is HealthStatus.HEALTHY
    until_health(stage, container, HealthStatus.UNHEALTHY)


def test_paused_container_must_not_be_probed(stage: Stage) -> None:
    """Probes rest with the container."""
    check = Healthcheck(("CMD", "true"), interval_s=0.1)
    container = stage.run("sleep 100", healthcheck=check)
    until_health(stage, container, HealthStatus.HEALTHY)
    stage.client.pause(container)
    time.sleep(0.2)
    last = stage.record(container).probes[-1]
    time.sleep(0.5)
    assert stage.record(container).probes[-1] == last
    stage.client.unpause(container)
    stage.until(lambda: stage.record(container).probes[-1] != last)
    assert stage.record(container).status is ContainerStatus.RUNNING
