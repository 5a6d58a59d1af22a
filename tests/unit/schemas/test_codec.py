"""Stored documents must come back as they were."""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from schemas.engine import codec
from schemas.engine.codec import from_json, to_json
from schemas.engine.specs import (
    ContainerSpec,
    EndpointSpec,
    Healthcheck,
    Mount,
    PortBinding,
    Resources,
    RestartPolicy,
)


def test_a_full_spec_must_survive_the_trip() -> None:
    """Nested dataclasses, tuples of tuples and None values come back equal."""
    spec = ContainerSpec(
        name="shop-web-1",
        image="web",
        environment={"A": "1", "B": None},
        command=("sleep", "1"),
        entrypoint=(),
        healthcheck=Healthcheck(test=("CMD", "true"), interval_s=0.5),
        mounts=(Mount(type="bind", source="/a", target="/b", read_only=True),),
        endpoints=(EndpointSpec(network="shop_default", aliases=("web",), links=(("db", "shop-db-1"),)),),
        ports=(PortBinding(container_port=80, host_port=8080),),
        ulimits=(("nofile", 1024, 2048),),
        restart=RestartPolicy("on-failure", 3),
        resources=Resources(memory_bytes=7 << 20, blkio_device=(("read_bps", "/dev/vda", 10),)),
        stop_grace_period_s=0.0,
    )
    assert from_json(ContainerSpec, to_json(spec)) == spec


def test_an_empty_entrypoint_must_differ_from_none() -> None:
    """`entrypoint: []` clears the image's, no entrypoint keeps it: the two are stored apart."""
    assert from_json(ContainerSpec, to_json(ContainerSpec(name="a", image="b", entrypoint=()))).entrypoint == ()
    assert from_json(ContainerSpec, to_json(ContainerSpec(name="a", image="b"))).entrypoint is None


def test_defaults_must_not_be_written() -> None:
    """A document holds what differs from the default alone."""
    assert to_json(ContainerSpec(name="a", image="b")) == '{"image":"b","name":"a"}'


@pytest.mark.parametrize("text", ['{"name":"a"}', '{"name":"a","image":"b","surprise":1}', "[]", "nonsense"])
def test_another_document_must_be_refused(text: str) -> None:
    """A missing field, an unknown field, another shape, no JSON: ValueError, never half an object."""
    with pytest.raises(ValueError):
        from_json(ContainerSpec, text)


def test_threads_that_read_the_first_records_at_once_must_all_get_them() -> None:
    """Containers are made side by side, and none may use a table that another is still filling."""
    document = to_json(ContainerSpec(name="a", image="b", endpoints=(EndpointSpec(network="n"),)))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(50):
                codec._decoders.clear()
                codec._decoder(ContainerSpec)
                barrier = Barrier(4)
                read = [pool.submit(_read_together, barrier, document) for _ in range(4)]
                assert {each.result().endpoints[0].network for each in read} == {"n"}
    finally:
        sys.setswitchinterval(interval)


def _read_together(barrier: Barrier, document: str) -> ContainerSpec:
    barrier.wait()
    return from_json(ContainerSpec, document)
