"""Projects that are nearly right, drawn from the loader's own tables, so that the stages behind the schema are reached.

A document has known keys with values of their kind; now and then one of another kind, a variable, a reference to
nothing. Its text is then changed in a few places.
"""

from typing import Any

from hypothesis import strategies as st

from compose.loader.options import LoadOptions
from compose.loader.schema_service import COMPOSE_FILE
from compose.loader.shapes import Keys, ListOf, Names, OneOf, Scalar, Shape
from compose.loader.yaml_writer import dump
from tests.fuzz.invariants import CWD, VARIABLES, check_load
from tests.unit.loader.memory import MappingReader

NAMES = ("a", "b", "c", "base")

_TEXTS: dict[str, tuple[str, ...]] = {
    "command": ("echo a", "sh -c 'a; b'", 'a "b c" \\d', "a && b", "a > b", "$$(x) `y`"),
    "container_name": ("a1", "b1"),
    "cpus": ("0.5", "1e3", "0x10"),
    "depends_on": NAMES,
    "devices": ("/dev/a:/dev/b:rwm", "/dev/a", "vendor/class=x"),
    "driver": ("bridge", "local", "json-file"),
    "env_file": ("e.env", "none.env", "./e.env"),
    "environment": ("A=1", "B", "C=$A", "=x", "D =1"),
    "extends": NAMES,
    "extra_hosts": ("h:1.2.3.4", "h=::1", "h=[::1]", "h"),
    "file": ("base.yaml", "other.yaml", "./compose.yaml", ""),
    "group_add": ("0", "wheel"),
    "host_ip": ("127.0.0.1", "::1", "x"),
    "include": ("base.yaml", "other.yaml", "none.yaml"),
    "image": ("i", "i:latest", "r/i@sha256:" + "0" * 64),
    "ipc": ("host", "service:a", "container:x", "shareable"),
    "links": ("a", "a:x", "b:y:z"),
    "networks": ("a", "b", "default"),
    "network_mode": ("host", "none", "service:b", "bridge"),
    "pid": ("host", "service:a"),
    "ports": ("80", "80:80", "1-3:1-3/udp", "127.0.0.1::80", "[::1]:80:80", "80-81:90", "x", "99999:1"),
    "profiles": ("p", "q"),
    "published": ("80", "80-90", ""),
    "restart": ("no", "always", "on-failure:3"),
    "service": NAMES,
    "source": (*NAMES, "/x", "./x", ""),
    "target": ("/t", "/t/../u", "t", "80", ""),
    "tmpfs": ("/t", "/t:size=1m"),
    "volumes": ("a:/t", "/x:/t:ro", "./x:/t:z,ro", "/t", "~/x:/t", "C:\\x:/t", "b:/t:nocopy", "a::/t", ":"),
    "volumes_from": ("a", "b:ro", "container:x"),
}
_GENERAL = (
    "",
    "a",
    "1",
    "true",
    "5s",
    "1m30s",
    "64m",
    "1.5g",
    "-1",
    "0644",
    "${A}",
    "${U:-x}",
    "${U?no}",
    "$",
    "$$",
    "${",
)
_ODD = st.sampled_from(
    ("", None, True, 0, -1, 1.5, 10**19, "x" * 50, "\u202e", "\x1b[1m", "ä", [], {}, [None], {"a": None})
)


def texts(key: str) -> st.SearchStrategy[Any]:
    """Texts that may stand under a key."""
    own = st.sampled_from(_TEXTS.get(key, _GENERAL))
    return st.one_of(own, own, own, own, own, own, st.sampled_from(_GENERAL), st.text(max_size=8))


def values(shape: Shape, key: str = "") -> st.SearchStrategy[Any]:
    """Values that a shape takes, and a few others."""
    return st.integers(0, 79).flatmap(lambda chance: _ODD if chance == 0 else _fitting(shape, key))


def _fitting(shape: Shape, key: str) -> st.SearchStrategy[Any]:
    match shape:
        case Scalar():
            return _scalars(shape, key)
        case ListOf(item=item):
            return st.lists(values(item, key), max_size=3)
        case Keys():
            return _mappings(shape, key)
        case Names(item=item):
            names = st.sampled_from((*NAMES, *_TEXTS.get(key, ())[:2], "x.y"))
            return st.dictionaries(names, values(item, key), max_size=3)
        case OneOf(shapes=shapes):
            return st.one_of([_fitting(option, key) for option in shapes])
    raise AssertionError(shape)


def _scalars(shape: Scalar, key: str) -> st.SearchStrategy[Any]:
    options: list[st.SearchStrategy[Any]] = []
    if "string" in shape.types:
        options.append(st.sampled_from(shape.choices) if shape.choices else texts(key))
    if "integer" in shape.types or "number" in shape.types:
        options.append(st.integers(-2, 70_000))
    if "number" in shape.types:
        options.append(st.floats(-1e3, 1e9))
    if "boolean" in shape.types:
        options.append(st.booleans())
    return st.one_of(options) if options else st.none()


@st.composite
def _mappings(draw: st.DrawFn, shape: Keys, key: str) -> dict[str, Any]:
    known = sorted(shape.keys)
    keys = draw(st.lists(st.sampled_from(known), max_size=4, unique=True)) if known else []
    keys += [name for name in shape.required if name not in keys]
    if "image" in known and "build" in known and draw(st.integers(0, 9)):
        keys = ["image", *(name for name in keys if name != "image")]
    found = {name: draw(values(shape.keys[name], name)) for name in keys}
    if "services" in known:
        found["services"] = draw(_fitting(shape.keys["services"], "services"))
    if shape.extensible and not draw(st.integers(0, 9)):
        found["x-own"] = draw(_ODD)
    return found


@st.composite
def _documents(draw: st.DrawFn) -> bytes:
    """A Compose file, its text changed in up to two places."""
    text = dump(draw(values(COMPOSE_FILE).filter(lambda tree: isinstance(tree, dict))))
    for _ in range(draw(st.sampled_from((0, 0, 0, 0, 0, 0, 0, 1, 2)))):
        start = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 5))
        piece = draw(
            st.sampled_from(
                ("", " ", "\n", "  - ", ": ", "&a ", "*a ", "<<: *a\n", "!reset ", "!override ", "'", '"', "---\n")
            )
        )
        text = text[:start] + piece + text[start + length :]
    return text.encode("utf-8", "surrogatepass")


@st.composite
def projects(draw: st.DrawFn) -> dict[str, bytes]:
    """The files of a project, by name."""
    files = {
        "compose.yaml": draw(_documents()),
        "e.env": draw(st.sampled_from((b"A=1\n", b"B=$A\nC", b"'", b"\xff=\0"))),
        "x": b"",
    }
    for name in draw(st.lists(st.sampled_from(("compose.override.yaml", "base.yaml", "other.yaml")), unique=True)):
        files[name] = draw(_documents())
    return files


def check_project(files: dict[str, bytes]) -> None:
    """Load a project, and what it prints."""
    reader = MappingReader({f"{CWD}/{name}": data for name, data in files.items()})
    check_load(LoadOptions(cwd=CWD, environment=VARIABLES, reader=reader))
