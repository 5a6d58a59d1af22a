"""cgroup limits: `deploy.resources` before the older attributes, as docker compose has it.

Source: docker/compose, pkg/compose/create.go, getDeployResources.
"""

from schemas.composefile.service import BlockIO, ServiceConfig
from schemas.engine.specs import Resources


def resources(service: ServiceConfig) -> Resources:
    """Return what a service's containers may use."""
    asked = service.deploy.resources if service.deploy else None
    limits = asked.limits if asked else None
    reservations = asked.reservations if asked else None
    return Resources(
        memory_bytes=(limits.memory if limits else 0) or service.mem_limit,
        memory_reservation_bytes=(reservations.memory if reservations else 0) or service.mem_reservation,
        memory_swap_bytes=service.memswap_limit,
        memory_swappiness=service.mem_swappiness,
        oom_kill_disable=service.oom_kill_disable,
        cpus=(limits.cpus if limits else 0.0) or service.cpus,
        cpu_shares=service.cpu_shares,
        cpu_quota_us=service.cpu_quota,
        cpu_period_us=service.cpu_period,
        cpu_rt_runtime_us=service.cpu_rt_runtime,
        cpu_rt_period_us=service.cpu_rt_period,
        cpuset_cpus=service.cpuset,
        pids_limit=(limits.pids if limits else 0) or service.pids_limit,
        blkio_weight=service.blkio_config.weight if service.blkio_config else 0,
        blkio_device=_block_devices(service.blkio_config),
    )


def _block_devices(block: BlockIO | None) -> tuple[tuple[str, str, int], ...]:
    if block is None:
        return ()
    rates = {
        "read_bps": block.device_read_bps,
        "write_bps": block.device_write_bps,
        "read_iops": block.device_read_iops,
        "write_iops": block.device_write_iops,
    }
    return (
        *(("weight", each.path, each.weight) for each in block.weight_device),
        *((kind, each.path, each.rate) for kind, devices in rates.items() for each in devices),
    )
