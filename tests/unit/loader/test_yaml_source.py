"""YAML: what is refused, what is told, and where."""

import time
import tracemalloc

import pytest

from compose.errors import ComposeError, ComposeFileError, SchemaViolation
from compose.loader.project import load
from tests.unit.loader.memory import FOLDER, load_text, options, service

SERVICES = "services: {a: {image: i}}\n"


def refused(text: str) -> ComposeError:
    with pytest.raises(ComposeError) as caught:
        load_text(text)
    return caught.value


def place(error: ComposeError) -> tuple[int, int]:
    assert error.span is not None
    assert error.span.file == f"{FOLDER}/compose.yaml"
    return error.span.line, error.span.column


def test_syntax_error_must_have_its_place():
    """Line, column and the line itself."""
    error = refused("services:\n  a:\n    image: [x\n")
    assert isinstance(error, ComposeFileError)
    assert error.message.startswith("yaml: ")
    assert place(error)[0] in (3, 4)


@pytest.mark.parametrize("text", ["services:\n\ta:\n\t\timage: x\n", "services:\n  a:\n\timage: x\n"])
def test_tab_must_be_called_a_tab(text):
    """It cannot be seen, so the word helps."""
    error = refused(text)
    assert error.message == "yaml: a tab cannot indent"
    assert "spaces" in error.hint


def test_what_is_not_closed_must_be_shown_where_it_begins():
    """Not the end of the file."""
    error = refused('services:\n  a:\n    image: "x\n    command: y\n')
    assert place(error) == (3, 12)
    assert "line 3" in error.context


def test_duplicate_key_must_name_both_lines():
    """PyYAML would take the last one in silence."""
    error = refused("services:\n  a:\n    image: x\n    tty: true\n    image: y\n")
    assert error.message == 'mapping key "image" already defined at line 3'
    assert place(error) == (5, 5)


def test_key_that_is_no_text_must_be_refused():
    """`80:` is a number; the hint says to quote it."""
    error = refused("services:\n  80:\n    image: x\n")
    assert error.message == "Non-string key in services: 80"
    assert place(error) == (2, 3)
    assert '"80"' in error.hint


def test_anchor_may_be_defined_again():
    """YAML allows it, the C composer does not."""
    model = load_text("x-a: &a {tty: true}\nx-b: &a {init: true}\nservices: {s: {image: i, <<: *a}}\n").model
    assert model["services"]["s"]["init"] is True
    assert "tty" not in model["services"]["s"]


def test_merge_keys_must_not_override_and_the_first_must_win():
    """Own keys, then the merged mappings in order."""
    text = "x-1: &one {hostname: one, user: one}\nx-2: &two {user: two, working_dir: two}\n"
    model = load_text(f"{text}services: {{s: {{image: i, <<: [*one, *two], hostname: own}}}}\n").model
    found = model["services"]["s"]
    assert (found["hostname"], found["user"], found["working_dir"]) == ("own", "one", "two")


def test_aliases_must_not_share_what_they_stand_for():
    """A change to one service is none to the other."""
    text = "x-e: &e {A: $B}\nservices: {a: {image: i, environment: *e}, b: {image: i, environment: {<<: *e, C: d}}}\n"
    services = load_text(text, {"B": "1"}).model["services"]
    assert services["a"]["environment"] == {"A": "1"}
    assert services["b"]["environment"] == {"A": "1", "C": "d"}


def test_unknown_anchor_must_be_named():
    """With its place."""
    error = refused("services:\n  a:\n    image: *nope\n")
    assert "unknown anchor 'nope'" in error.message
    assert place(error)[0] == 3


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("services:\n  a: *b\nx-b: &b {image: i}\n", 2, "`&b` in line 3 has to come before its aliases"),
        ("services:\n  a: *ba\nx-b: &bar {image: i}\n", 2, "did you mean `bar`?"),
        (
            "services:\n  a:\n    image:nginx\n    ports: ['80']\n",
            4,
            "in line 3 a blank is missing behind the `:`, as in `image: nginx`",
        ),
        (
            "services:\n  a:\n    image\n    ports: ['80']\n",
            4,
            "is the line indented too far, or is something missing in the line above?",
        ),
        (
            'services:\n  a:\n    image: "nginx:1\n    ports: ["80:80"]\n',
            3,
            "the quote that begins here is not closed",
        ),
        ("services: {a: {image: 'nginx\n  , ports: ['80']}}\n", 1, "the quote that begins here is not closed"),
    ],
)
def test_what_is_no_yaml_must_be_told_with_its_usual_cause(text, line, hint):
    """The parser stumbles where the cause is no longer in sight."""
    error = refused(text)
    assert (place(error)[0], error.hint) == (line, hint)


@pytest.mark.parametrize("kind", ["list", "mapping", "merge"])
def test_alias_bomb_must_be_refused_before_it_expands(kind):
    """Within a second and 50 MB."""
    item = {"list": "[{}]", "mapping": "{{{}}}", "merge": "{{<<: [{}]}}"}[kind]
    first = {"list": "[x,x,x,x,x,x,x,x,x]", "mapping": "{a: x, b: x}", "merge": "{a: x, b: x}"}[kind]
    text = f"x-0: &a0 {first}\n"
    for level in range(1, 12):
        aliases = [f"*a{level - 1}"] * 9
        inner = ", ".join(f"k{index}: {alias}" for index, alias in enumerate(aliases))
        text += f"x-{level}: &a{level} {item.format(inner if kind == 'mapping' else ','.join(aliases))}\n"
    tracemalloc.start()
    begin = time.perf_counter()
    error = refused(text + SERVICES)
    assert time.perf_counter() - begin < 1
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()
    assert "excessive aliasing" in error.message


def test_anchor_inside_of_itself_must_be_refused():
    """A mapping cannot contain itself."""
    assert "cycle detected" in refused("x-a: &a {b: *a}\n" + SERVICES).message


@pytest.mark.parametrize(
    "text",
    [
        "x-a: " + "[" * 50_000,
        "x-a: " + "[" * 900 + "]" * 900 + "\n" + SERVICES,
        "x-a:\n  " + "- " * 50_000 + "a\n",
        "x-a:\n  " + "? " * 50_000 + "a\n",
        "x-a:\n" + "".join(" " * (level + 1) + "k:\n" for level in range(1000)) + SERVICES,
    ],
    ids=["flow", "closed-flow", "sequences", "keys", "indentation"],
)
def test_deep_nesting_must_be_refused_not_crash(text):
    """The C composer recurses on the C stack: it must never see such a text."""
    assert "nested more than 100 levels deep" in refused(text).message


def test_bytes_that_are_no_text_must_be_refused_with_their_place():
    """NUL and invalid UTF-8."""
    with pytest.raises(ComposeFileError) as caught:
        load(options({}, files=("-",), stdin=b"services:\n  a: {image: \xff}\n"))
    assert (caught.value.message, caught.value.span and caught.value.span.line) == ("yaml: invalid UTF-8", 2)
    assert "control characters" in refused("services:\n  a: {image: 'x\0'}\n").message


@pytest.mark.parametrize("text", ["[a]", "42", "text", "---\n---\nservices: {}\n"])
def test_top_level_must_be_a_mapping(text):
    """A list, a scalar, an empty document."""
    assert "Top-level object must be a mapping" in refused(text).message


def test_empty_file_must_be_refused():
    """No model at all."""
    assert refused("# nothing\n").message == "empty compose file"


def test_documents_must_be_merged_in_order():
    """`---` separates overrides."""
    text = "services: {a: {image: one, tty: true}}\n---\nservices: {a: {image: two}}\n"
    found = load_text(text).model["services"]["a"]
    assert (found["image"], found["tty"]) == ("two", True)


def test_unquoted_answers_and_times_must_stay_text():
    """What YAML 1.1 makes of them is in no one's interest."""
    environment = service("environment: {A: yes, B: 22:22, C: no, D: true, E: 1.10, F: 0755}")["environment"]
    assert environment == {"A": "yes", "B": "22:22", "C": "no", "D": "true", "E": "1.1", "F": "493"}


def test_infinity_must_be_refused():
    """It has no JSON form."""
    error = refused("services: {a: {image: i, environment: {A: .inf}}}\n")
    assert isinstance(error, SchemaViolation)
    assert "unsupported value: +Inf" in error.message
