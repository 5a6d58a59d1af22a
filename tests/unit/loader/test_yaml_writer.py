"""Trees to YAML and back."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from compose.loader.places import Source
from compose.loader.yaml_source import read_documents
from compose.loader.yaml_writer import dump

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
ODD = st.sampled_from(
    [
        "yes",
        "22:22",
        "0o17",
        "0755",
        "1e3",
        "-",
        "- a",
        "a: b",
        "a #b",
        "x:",
        "\n",
        "a\n",
        "a\n\n",
        " a\nb",
        "a\n b\n",
        "2001-01-01",
        "=",
        "<<",
        "!a",
        "%a",
        "---",
        "...",
        "1_0",
        "0x",
        "+.inf",
        "\ufeffa",
        "*a",
        "~",
        "",
        "y",
    ]
)
SCALARS = st.one_of(TEXTS, ODD, st.integers(-(10**9), 10**9), st.booleans(), st.none(), st.floats(0.001, 1000))
TREES = st.dictionaries(
    st.one_of(TEXTS, ODD),
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | ODD, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


def read_back(text: str):
    (document,) = read_documents(Source("f", ""), text.encode())
    return document.tree


@settings(max_examples=300, deadline=None, database=None)
@given(TREES)
def test_any_tree_must_load_to_itself(tree):
    """Every text, every nesting."""
    assert read_back(dump(tree)) == tree


@settings(max_examples=200, deadline=None, database=None)
@given(st.dictionaries(TEXTS | ODD, st.one_of(TEXTS, ODD, st.booleans(), st.none()), max_size=4))
def test_texts_must_be_texts_for_yaml_1_1_too(tree):
    """Other tools read our output with YAML 1.1."""
    assert yaml.safe_load(dump(tree)) == tree


def test_layout_must_be_docker_composes():
    """Two blanks a level, lists indented, literal blocks."""
    tree = {
        "a": {"b": [{"c": 1, "d": [[1], []]}, "x"]},
        "t": "one\ntwo\n",
        "u": "one\ntwo",
        "e": {},
        "z": None,
        "p": "80",
    }
    assert dump(tree) == (
        "a:\n  b:\n    - c: 1\n      d:\n        - - 1\n        - []\n    - x\n"
        't: |\n  one\n  two\nu: |-\n  one\n  two\ne: {}\nz: null\np: "80"\n'
    )


@pytest.mark.parametrize("text", ["nginx:alpine", "./a b", "-c", "http://x:80/y", "$$A", "a=b", "node_modules/"])
def test_ordinary_texts_must_not_be_quoted(text):
    """What people read stays readable."""
    assert dump({"a": text}) == f"a: {text}\n"
