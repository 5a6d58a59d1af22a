"""What a container cannot be is said when it is made, not when it starts."""

from pathlib import Path

import pytest

from runtime.container import bundle
from runtime.errors import InvalidArgument, Unsupported
from schemas.engine.bundle import Rootfs
from schemas.engine.identifiers import ContainerID
from schemas.engine.records import ImageConfig
from schemas.engine.specs import ContainerSpec, LogConfig, Resources

PARTS = bundle.Parts(rootfs=Rootfs(lower=("/l",), upper="/u", work="/w"), mounts=(), network_files=Path("/n"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"stop_signal": "SIGFOO"}, "invalid signal: `SIGFOO`"),
        ({"pid_mode": "hots"}, "invalid pid mode `hots`"),
        ({"ipc_mode": "container:"}, "invalid ipc mode `container:`"),
        ({"uts_mode": "container:x"}, "invalid uts mode `container:x`"),
        ({"cgroup_mode": "public"}, "invalid cgroup mode `public`"),
        ({"log": LogConfig(options={"max-sise": "1m"})}, "unknown logging option `max-sise`"),
        ({"environment": {"": "x"}}, "invalid environment variable: `=x`"),
        ({"resources": Resources(cpus=4000)}, "asks for 4000 CPUs: the range is from 0.01 to"),
        ({"resources": Resources(cpus=0.001)}, "asks for 0.001 CPUs: the range is from 0.01 to"),
        ({"resources": Resources(memory_bytes=1024)}, "the minimum is 6 MiB"),
    ],
)
def test_what_no_container_can_have_must_be_refused(wrong: dict[str, object], message: str) -> None:
    """As Docker does at creation."""
    spec = ContainerSpec(name="p-web-1", image="i", project="p", service="web", command=("sh",), **wrong)
    with pytest.raises(InvalidArgument, match=message):
        bundle.build(ContainerID("0" * 64), spec, ImageConfig(), PARTS)


def test_a_logging_driver_that_is_not_there_must_be_refused_before_anything_is_made() -> None:
    """Not when the container starts."""
    spec = ContainerSpec(name="p-web-1", image="i", command=("sh",), log=LogConfig("syslog"))
    with pytest.raises(Unsupported, match="the logging driver `syslog` is not supported"):
        bundle.build(ContainerID("0" * 64), spec, ImageConfig(), PARTS)
