"""What is right and probably not meant: each with its place, and only where it helps."""

import pytest

from compose import errors
from compose.loader.advice import advice
from compose.loader.pipeline import resolve
from tests.unit.loader.memory import load_text, options

PINNED = "image: 'i:1'"


def advised(text: str, **more: bool) -> list[errors.Warning]:
    return advice(resolve(options({"compose.yaml": text}, **more)))


@pytest.mark.parametrize(
    ("section", "declared", "used"),
    [
        ("networks", "{xx: }", "networks: [xx]"),
        ("volumes", "{xx: }", "volumes: ['xx:/d']"),
        ("secrets", "{xx: {file: ./x}}", "secrets: [xx]"),
        ("secrets", "{xx: {file: ./x}}", "build: {context: ., secrets: [xx]}"),
        ("configs", "{xx: {file: ./x}}", "configs: [{source: xx}]"),
        ("models", "{xx: {model: m}}", "models: [xx]"),
    ],
)
def test_what_no_service_uses_must_be_told_with_its_place(section, declared, used):
    """A name that was changed in one place only; a service that no profile enables counts."""
    text = f"services:\n  a: {{{PINNED}, profiles: [p]}}\n{section}: {declared}\n"
    (warning,) = advised(text)
    assert warning.message == f"{section.removesuffix('s')} `xx` is declared, but no service uses it"
    assert warning.code == f"unused-{section.removesuffix('s')}"
    assert warning.span is not None
    assert (warning.span.line, warning.span.text[warning.span.column - 1]) == (3, "x")
    assert advised(text.replace("profiles", f"{used}, profiles")) == []


@pytest.mark.parametrize(("port", "number"), [("22:22", 1342), ("1:2:3", 3723), ("2222:22", 133342)])
def test_a_port_that_others_read_to_base_60_must_be_told(port, number):
    """pycompose reads it as docker compose does; with quotes all do."""
    text = f"services:\n  a:\n    {PINNED}\n    ports:\n      - {port}\n"
    if port.count(":") == 1:
        (warning,) = advised(text)
        assert warning.message == f"port `{port}` has no quotes: what reads YAML 1.1 takes it for the number {number}"
        assert warning.span is not None
        assert (warning.span.line, warning.span.column, warning.span.length) == (5, 9, len(port))
    assert advised(text.replace(port, "'22:22'")) == []


@pytest.mark.parametrize("port", ["8080:80", "80", "0:22", "22:22/udp", "127.0.0.1:22:22"])
def test_a_port_that_nobody_misreads_must_not_be_told(port):
    """Most are none of base 60."""
    assert advised(f"services: {{a: {{{PINNED}, ports: [{port}]}}}}\n") == []


def test_images_without_a_version_must_be_told_in_one_warning():
    """At the first of them; not those that are built, have a digest, or come with the program."""
    text = (
        "services:\n  a: {image: nginx}\n  b: {image: 'reg:5000/x'}\n  c: {image: 'x:latest'}\n  d: {image: 'x:1'}\n"
        f"  e: {{image: x, build: .}}\n  f: {{image: 'x@sha256:{'0' * 64}'}}\n  g: {{image: host}}\n"
    )
    (warning,) = advised(text)
    assert warning.message == "images without a version: `a` (nginx), `b` (reg:5000/x), `c` (x:latest)"
    assert warning.span is not None
    assert warning.span.line == 2


def test_without_interpolation_nothing_must_be_advised():
    """`${TAG}` may be anything."""
    assert advised("services: {a: {image: 'i:${TAG}'}}\nvolumes: {x: }\n", interpolate=False) == []


def test_an_unset_variable_must_be_told_once_with_all_of_its_places():
    """Three more are named, others counted."""
    uses = "".join(f"      K{number}: $TAG\n" for number in range(6))
    (warning,) = load_text(f"services:\n  a:\n    {PINNED}\n    environment:\n{uses}").warnings
    assert warning.code == "unset-variable"
    assert warning.span is not None
    assert (warning.span.line, warning.span.column, warning.span.length) == (5, 11, 4)
    file = warning.span.file
    assert warning.context == f"also at {file}:6:11, {file}:7:11, {file}:8:11 and 2 more"
