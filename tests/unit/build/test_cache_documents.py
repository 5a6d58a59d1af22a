"""What a shared cache says: written and read again, and what strangers may write."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.build.remotecache.documents import (
    INLINE,
    CacheContent,
    KnownStep,
    config_of,
    inline_of,
    read_config,
    read_inline,
)
from runtime.errors import InvalidArgument
from runtime.image.layers import Layer
from schemas.engine.identifiers import DiffID
from schemas.oci.image import Descriptor
from schemas.oci.media_types import OCI_LAYER_GZIP

ONE, TWO, THREE = (DiffID(f"sha256:{digit * 64}") for digit in "123")
KEYS = ["a" * 64, "b" * 64, "c" * 64]
PACKED = Descriptor(OCI_LAYER_GZIP, f"sha256:{'d' * 64}", 7)
STEPS = {
    KEYS[0]: KnownStep(Layer(ONE, 10), 1_700_000_000_123_456_789, PACKED),
    KEYS[1]: KnownStep(Layer(TWO, 20), 1_700_000_000_000_000_000),
}
NOTES = {KEYS[2]: "e" * 64}
FOREIGN = [
    {
        "layers": [{"layer": 1, "createdAt": "2026-11-24T12:00:01.203512609Z"}],
        "digest": f"sha256:{'f' * 64}",
        "inputs": [[{"selector": f"sha256:{'0' * 64}", "link": 1}]],
    },
    {"digest": f"sha256:{'1' * 64}"},
]


def _record(**ours: object) -> dict[str, object]:
    return {"digest": f"sha256:{KEYS[0]}", "layers": [{"layer": 0}], "pycompose": {"diffID": ONE, "size": 1, **ours}}


def _inline(records: object, *diff_ids: str) -> bytes:
    packed = base64.b64encode(json.dumps(records).encode()).decode()
    return json.dumps({INLINE: packed, "rootfs": {"type": "layers", "diff_ids": list(diff_ids)}}).encode()


def test_what_is_written_must_be_read_again():
    """Steps with and without a layer, and notes; in a manifest of its own and in an image."""
    config, blobs = config_of(STEPS, NOTES)
    assert blobs == [PACKED]
    assert read_config(config, blobs) == CacheContent(STEPS, NOTES)
    document = json.dumps({INLINE: inline_of(STEPS, NOTES, [THREE, ONE]), "rootfs": {"diff_ids": [THREE, ONE]}})
    other = Descriptor(OCI_LAYER_GZIP, f"sha256:{'9' * 64}", 1)
    assert read_inline(document.encode(), [other, PACKED]) == CacheContent(STEPS, NOTES)


def test_the_same_steps_must_be_the_same_bytes():
    """Or an image with its own cache would be another one at each build."""
    turned = dict(reversed(STEPS.items()))
    assert config_of(turned, NOTES) == config_of(STEPS, NOTES)
    assert inline_of(turned, NOTES, [ONE]) == inline_of(STEPS, NOTES, [ONE])


def test_what_buildkit_wrote_must_be_of_no_use_and_no_harm():
    """Records as Docker 26.1 puts them into an image."""
    assert read_inline(_inline(FOREIGN, ONE), [PACKED]) == CacheContent(foreign=2)
    assert read_config(json.dumps({"records": FOREIGN, "layers": []}).encode(), []) == CacheContent(foreign=2)
    assert read_inline(b'{"rootfs": {}}', [PACKED]) == CacheContent()


@pytest.mark.parametrize(
    "record",
    [
        _record(diffID="sha256:../../x"),
        _record(diffID="sha512:" + "1" * 128),
        _record(size=-1),
        _record(size=1 << 70),
        _record(size="1"),
        _record(createdAt="1969-12-31T23:59:59Z"),
        _record(createdAt="soon"),
        _record(createdAt=5),
        {**_record(), "digest": "x"},
        {**_record(), "digest": 1},
        {"digest": f"sha256:{KEYS[0]}", "pycompose": {"files": "/etc/passwd"}},
        [],
        None,
        "x",
    ],
)
def test_a_record_that_is_not_as_it_should_be_must_be_none(record: object):
    """No digest that names another file, no number that no column holds, no time beyond all clocks."""
    found = read_inline(_inline([record], ONE), [PACKED])
    assert not found.steps
    assert not found.notes


@pytest.mark.parametrize("created", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_a_time_beyond_all_clocks_must_be_none(created: str):
    """The step counts, of 1970."""
    assert read_inline(_inline([_record(createdAt=created)], ONE), [PACKED]).steps[KEYS[0]].made_ns == 0


@pytest.mark.parametrize("place", [1, -1, 1 << 70, "0", None, 0.5, [0]])
def test_a_layer_that_is_not_listed_must_be_none(place: object):
    """The step is known then, without its layer."""
    found = read_inline(_inline([{**_record(), "layers": [{"layer": place}]}], ONE), [PACKED])
    assert found.steps[KEYS[0]].blob is None


def test_a_layer_must_be_the_one_that_the_step_names():
    """A record that leads to the blob of another DiffID is not followed there."""
    found = read_inline(_inline([_record(diffID=TWO)], ONE), [PACKED])
    assert found.steps[KEYS[0]] == KnownStep(Layer(TWO, 1), 0)


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"nul", b"[" * 100_000, _inline(FOREIGN), json.dumps({INLINE: "%", "rootfs": {}}).encode()]
)
def test_a_document_that_is_none_must_be_refused(document: bytes):
    """As an error of ours, which a build makes a remark of."""
    with pytest.raises(InvalidArgument):
        read_config(document if document[:1] != b"{" else b"[]", [])
    if document[:1] == b"{":
        with pytest.raises(InvalidArgument):
            read_inline(document, [PACKED] if document.endswith(b"}") and b"%" not in document else [])


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([ONE, f"sha256:{KEYS[0]}"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "digest",
                    "layers",
                    "layer",
                    "records",
                    "blob",
                    "pycompose",
                    "diffID",
                    "size",
                    "files",
                    "annotations",
                    "createdAt",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(_JSON)
def test_no_document_must_be_more_than_refused(document: Any):
    """Whatever JSON can say."""
    for read in (
        lambda: read_config(json.dumps(document).encode(), [PACKED]),
        lambda: read_inline(_inline(document, ONE), [PACKED]),
    ):
        try:
            content = read()
        except InvalidArgument:
            continue
        assert all(step.layer.size_bytes >= 0 for step in content.steps.values())
