"""What the loader's own stages let through fits the models: nobody ever reads a message of pydantic's."""

import json
import math
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from compose.errors import ComposeError
from compose.loader.pipeline import resolve
from compose.loader.schema_service import COMPOSE_FILE, SERVICE
from compose.loader.shapes import Keys, ListOf, Names, OneOf, Scalar, Shape
from schemas.composefile.project import Project
from tests.unit.loader.memory import options

WORDS = """
    1 -1 +1 0 0440 0o17 1.5 1e3 1e400 1_000 nan inf 99999999999999999999 9223372036854775808 true no null
    all host default CMD CMD-SHELL every_1h 64m 1.5GB 10s -1s 1h30m a=b a= =b a:1.1.1.1 a=[::1] service:b container:c
    /a ./a:/b:ro v:/x:nocopy /x:size=1m 80 80-81 8080:80 80-81:80-81/udp 127.0.0.1::80 [::1]:80:80
"""
TEXTS = (*WORDS.split(), "", " ", "a b", "é", "'a", "a && b", "2024-01-01", "\u2028", "x-a")
TEXT = st.sampled_from(TEXTS) | st.text(max_size=4)
NUMBER = st.sampled_from((0, 1, -1, 80, 2**63 - 1, 2**63, 10**30, 0.5, -1.5, 1e300, math.inf, math.nan)) | st.integers()
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda below: st.lists(below, max_size=2) | st.dictionaries(TEXT, below, max_size=2),
    max_leaves=4,
)
FEW = 4
"""Keys that a mapping may have all at once."""
OF_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "boolean": st.booleans(),
    "integer": st.integers() | st.sampled_from((0, 1, -1, 2**63, 1.0, 1e300)),
    "number": NUMBER,
    "null": st.none(),
}


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Values that a shape lets through, or nearly: whatever else is wrong with them."""
    match shape:
        case Scalar(types=types, choices=choices):
            return st.one_of([*(OF_TYPE[each] for each in types), *([st.sampled_from(choices)] if choices else [])])
        case ListOf(item=item):
            return st.lists(st.deferred(lambda: values(item)), max_size=3)
        case Names(item=item):
            return st.dictionaries(TEXT, st.deferred(lambda: values(item)), max_size=2)
        case OneOf(shapes=shapes):
            return st.one_of([values(each) for each in shapes])
        case Keys(keys=keys, required=required):
            needed = {key: st.deferred(lambda key=key: values(keys[key])) for key in required}
            others = {key: st.deferred(lambda key=key: values(keys[key])) for key in keys if key not in required}
            some = st.fixed_dictionaries({}, optional=others) if len(others) < FEW else one_of_many(others)
            return st.builds(lambda *parts: {**parts[0], **parts[1]}, st.fixed_dictionaries(needed), some)


def one_of_many(others: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """One key at a time, so that no error of one hides another."""
    return st.sampled_from(sorted(others)).flatmap(lambda key: others[key].map(lambda value: {key: value}))


ATTRIBUTE = st.sampled_from(sorted(SERVICE.keys)).flatmap(lambda key: values(SERVICE.keys[key]).map(lambda v: {key: v}))
SECTION = st.sampled_from(sorted(set(COMPOSE_FILE.keys) - {"services", "include"})).flatmap(
    lambda key: values(COMPOSE_FILE.keys[key]).map(lambda value: {key: value})
)


def yaml_of(tree: dict[str, Any]) -> str:
    """JSON is YAML, but for the numbers that JSON has not."""
    text = json.dumps(tree)
    for word, number in (("Infinity", ".inf"), ("NaN", ".nan")):
        text = re.sub(rf"(?<=[ \[-]){word}(?=[,\]}}])", number, text)
    return text


def check(tree: dict[str, Any]) -> None:
    """Load a file; if that goes well the models take what came out."""
    try:
        fields = resolve(options({"compose.yaml": yaml_of(tree)})).fields
    except ComposeError:
        return
    Project.model_validate(fields)


@settings(max_examples=400, deadline=None)
@given(attribute=ATTRIBUTE, extension=ANYTHING)
def test_what_a_service_says_must_fit_the_models(attribute, extension):
    """One attribute at a time, so that nothing hides it."""
    check({"services": {"a": {"image": "i", **attribute, "x-own": extension}, "b": {"image": "i"}}})


@settings(max_examples=150, deadline=None)
@given(section=SECTION)
def test_what_a_section_says_must_fit_the_models(section):
    """Networks, volumes, secrets, configs, models, all in use."""
    used = {
        key: list(value)
        for key, value in section.items()
        if key in ("networks", "secrets", "configs", "models") and isinstance(value, dict) and all(value)
    }
    check({"services": {"a": {"image": "i", **used}}, **section})
