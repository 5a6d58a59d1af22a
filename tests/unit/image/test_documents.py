"""Configuration, manifest and index documents: read from strangers, written for others."""

import json

import pytest

from runtime.errors import InvalidArgument
from runtime.image.configuration import Configuration, format_time, read_configuration, write_configuration
from runtime.image.identity import chain_ids, checked_digest, image_id
from schemas.engine.identifiers import DiffID
from schemas.engine.records import ImageConfig
from schemas.oci.image import descriptor_from_plain, index_from_plain, manifest_from_plain, manifest_to_plain

DIGEST = "sha256:" + "01" * 32
CONFIG = ImageConfig(
    entrypoint=("/init",),
    command=("sh",),
    environment=("A=1",),
    working_dir="/srv",
    user="1:2",
    stop_signal="SIGINT",
    exposed_ports=("80/tcp",),
    volumes=("/data",),
    labels={"a": "ü"},
    healthcheck={"Test": ["CMD", "true"], "Interval": 5},
    shell=("/bin/sh", "-c"),
)


def test_a_configuration_must_survive_being_written():
    """What is written for others reads back the same."""
    written = Configuration(CONFIG, "amd64", "linux", 1_700_000_000_123_456_789, (DiffID(DIGEST),))
    assert read_configuration(write_configuration(written, "imported")) == written


def test_nulls_of_docker_must_read_as_nothing():
    """Docker writes `"Env": null` for what is not set."""
    document = {
        "config": dict.fromkeys(("Env", "Cmd", "Labels", "Volumes", "User", "Healthcheck")),
        "rootfs": {"type": "layers"},
    }
    assert read_configuration(json.dumps(document).encode()).config == ImageConfig()


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("2026-11-24T05:37:07.156229348Z", 1_795_498_627_156_229_348),
        ("1970-01-01T01:00:00.000000001+01:00", 1),
        ("1960-01-01T00:00:00.5Z", -315_619_199_500_000_000),
        ("0001-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", 0),
        ("0001-01-01T00:00:00+23:00", 0),
    ],
)
def test_times_must_be_read_to_the_nanosecond(text: str, nanoseconds: int):
    """Images made a microsecond apart are in order; a time that no counter of 64 bits holds is none."""
    document = {"created": text, "rootfs": {"type": "layers"}}
    assert read_configuration(json.dumps(document).encode()).created_ns == nanoseconds


def test_a_time_must_be_written_with_nine_digits():
    """As Docker writes it."""
    assert format_time(1_795_498_627_000_000_001) == "2026-11-24T05:37:07.000000001Z"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"rootfs": {"type": "layers", "diff_ids": {}}}',
        b'{"rootfs": {"type": "layers", "diff_ids": [%s]}}' % b",".join([b'"a"'] * 501),
        b'{"rootfs": {"type": "layers"}, "config": {"Cmd": "sh"}}',
        b'{"rootfs": {"type": "layers"}, "config": {"Env": [1]}}',
        b'{"rootfs": {"type": "layers"}, "config": {"User": "a\\u0000b"}}',
        b'{"rootfs": {"type": "layers"}, "config": {"Labels": ["a"]}}',
        b'{"rootfs": {"type": "layers"}, "created": "yesterday"}',
        b'{"rootfs": {"type": "layers"}, "config": {"Healthcheck": {"Retries": -1}}}',
    ],
)
def test_a_configuration_that_is_none_must_be_refused(content: bytes):
    """Whatever a stranger sends, the answer is an error of ours."""
    with pytest.raises(InvalidArgument, match="configuration is not valid"):
        read_configuration(content)


def test_the_chain_must_begin_with_the_layer_itself():
    """The specification's own definition, config.md."""
    first, second = DiffID("sha256:" + "0" * 64), DiffID("sha256:" + "1" * 64)
    lowest, upper = chain_ids([first, second])
    assert lowest == first
    assert upper == image_id(f"{first} {second}".encode())


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:../x", "sha512:" + "0" * 128, DIGEST.upper(), DIGEST + "\n"])
def test_a_digest_must_be_one_before_it_names_a_file(text: str):
    """A digest of a stranger becomes a path."""
    with pytest.raises(InvalidArgument):
        checked_digest(text)
    with pytest.raises(ValueError, match="digest"):
        descriptor_from_plain({"mediaType": "", "digest": text, "size": 1})


def test_a_manifest_must_survive_being_written():
    """Both of OCI's and Docker's media types are read."""
    for kind in ("oci.image.manifest.v1", "docker.distribution.manifest.v2"):
        plain = {
            "schemaVersion": 2,
            "mediaType": f"application/vnd.{kind}+json",
            "config": {"mediaType": "c", "digest": DIGEST, "size": 1},
            "layers": [{"mediaType": "l", "digest": DIGEST, "size": 2, "annotations": {"a": "b"}}],
        }
        assert manifest_to_plain(manifest_from_plain(plain)) == plain


@pytest.mark.parametrize(
    "plain",
    [
        None,
        [],
        {},
        {"schemaVersion": 1, "layers": [], "config": {"digest": DIGEST, "size": 1}},
        {"config": {"digest": DIGEST, "size": -1}, "layers": []},
        {"config": {"digest": DIGEST, "size": True}, "layers": []},
        {"config": {"digest": DIGEST, "size": 1}, "layers": "x"},
        {"config": {"digest": DIGEST, "size": 1}, "layers": [{"digest": DIGEST, "size": 1}] * 501},
    ],
)
def test_a_manifest_that_is_none_must_be_refused(plain: object):
    """Shapes, sizes and numbers are checked before anything is made of them."""
    with pytest.raises(ValueError, match=r".+"):
        manifest_from_plain(plain)


def test_an_index_must_keep_platforms():
    """They decide which image of several is ours."""
    entry = {"digest": DIGEST, "size": 1, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}
    platform = index_from_plain({"manifests": [entry]}).manifests[0].platform
    assert platform is not None
    assert (platform.os, platform.architecture, platform.variant) == ("linux", "arm64", "v8")
