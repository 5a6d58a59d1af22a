"""Where an error points: the value at fault, in the file that wrote it, however it got into the model."""

import posixpath

import pytest

from compose.errors import ComposeError, ErrorGroup
from compose.loader.project import load
from tests.unit.loader.memory import options


def places(given: dict[str, str], **more) -> list[str]:
    """Each error as `file:line: what is marked`."""
    with pytest.raises(ComposeError) as caught:
        load(options(given, **more))
    errors = caught.value.errors if isinstance(caught.value, ErrorGroup) else (caught.value,)
    return [marked(error) for error in errors]


def marked(error: ComposeError) -> str:
    span = error.span
    assert span is not None, error
    start = span.column - 1
    return f"{posixpath.basename(span.file)}:{span.line}: {span.text[start : start + span.length]}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("image: [a, b]", "[a, b]"),
        ("image: {a: b}", "{a: b}"),
        ("image: 5", "5"),
        ("ports: ['80:x']", "'80:x'"),
        ('command: "echo \'"', '"echo \'"'),
        ("env_file: nope.env", "nope.env"),
        ("env_file: [{path: sub/nope.env}]", "sub/nope.env"),
        ("label_file: nope", "nope"),
        ("extends: nope", "nope"),
        ("ipc: service:nope", "service:nope"),
        ("volumes: [{type: volume, source: nope, target: /x}]", "nope"),
        ("secrets: [{source: nope}]", "nope"),
        ("extra_hosts: ['=::1']", "'=::1'"),
        ("environment: ['A=1', 'B =2']", "'B =2'"),
        ("develop: {watch: [{path: .}]}", "{path: .}"),
        ("healthcheck: {test: [curl, x]}", "curl"),
        ("hostname: 'a-${NAME:?say}-b'", "${NAME:?say}"),
        ("hostname: 'a-${NAME-b'", "${NAME-b"),
    ],
)
def test_the_value_at_fault_must_be_marked_whole(text, place):
    """With its quotes and brackets; of a text, the part that is wrong; of a reference, the name."""
    base = "" if text.startswith("image") else "    image: i\n"
    (found,) = places({"compose.yaml": f"services:\n  web:\n{base}    {text}\n"})
    assert found == f"compose.yaml:{4 if base else 3}: {place}"


def test_a_list_item_that_is_a_mapping_must_be_marked_where_it_begins():
    """Its first line, without the comment."""
    text = "services:\n  web:\n    image: i\n    volumes:\n      - target: /x  # here\n        source: ./y\n"
    assert places({"compose.yaml": text}) == ["compose.yaml:5: target: /x"]


def test_an_item_in_long_form_must_be_found_though_merging_moved_it():
    """By what it looks like: the base's items come first."""
    files = {
        "compose.yaml": "services:\n  a: {image: i, volumes: [{type: tmpfs, target: /a}, {type: tmpfs, target: /b}]}\n",
        "compose.override.yaml": "services:\n  a:\n    volumes:\n    - {type: tmpfs, target: /c, tmpfs: {size: -1}}\n",
    }
    assert places(files) == ["compose.override.yaml:4: -1"]


def test_an_inherited_item_must_be_found_in_the_base_though_the_service_has_one_at_its_index():
    """The first port is the base's, not the service's own first."""
    files = {
        "compose.yaml": "services:\n  web:\n    extends: {file: base.yaml, service: web}\n    ports: ['80:80']\n",
        "base.yaml": "services:\n  web:\n    image: i\n    ports: [{target: 80, foo: 1}]\n",
    }
    assert places(files) == ["base.yaml:4: foo"]


def test_the_service_must_be_marked_where_it_overrides_its_base():
    """Both files have the attribute; the extending one wins."""
    files = {
        "compose.yaml": "services:\n  web:\n    extends: {file: b.yaml, service: web}\n    stop_grace_period: soon\n",
        "b.yaml": "services:\n  web:\n    image: i\n    stop_grace_period: 1s\n",
    }
    assert places(files) == ["compose.yaml:4: soon"]


def test_the_file_that_includes_must_be_marked_where_it_overrides():
    """What it includes has the attribute too."""
    files = {
        "compose.yaml": "include: [base.yaml]\nservices:\n  web:\n    mem_limit: lots\n",
        "base.yaml": "services:\n  web:\n    image: i\n    mem_limit: 1g\n",
    }
    assert places(files) == ["compose.yaml:4: lots"]


def test_errors_of_all_files_must_be_told_in_one_run():
    """In the order of the files."""
    files = {
        "compose.yaml": "services:\n  a:\n    imagee: i\n",
        "b.yaml": "services:\n  a:\n    ttyy: true\n  b: {ulimits: {nofile: {soft: 1}}}\n",
        "c.yaml": "services:\n  a:\n    hostname: ${NAME:?say}\n    ports: x\n",
    }
    found = places(files, files=("compose.yaml", "b.yaml", "c.yaml"))
    assert found == [
        "compose.yaml:3: imagee",
        "b.yaml:3: ttyy",
        "b.yaml:4: nofile",
        "c.yaml:3: ${NAME:?say}",
        "c.yaml:4: x",
    ]


def test_what_a_file_lacks_must_not_be_told_where_the_one_below_cannot_be_read():
    """That one may have it."""
    files = {
        "compose.yaml": "services:\n  a: [imagee]\n",
        "b.yaml": "services:\n  a:\n    ttyy: true\n  b: {ulimits: {nofile: {soft: 1}}}\n",
    }
    assert places(files, files=("compose.yaml", "b.yaml")) == ["compose.yaml:2: [imagee]", "b.yaml:3: ttyy"]


def test_what_a_file_extends_and_includes_must_be_marked_there():
    """Also where an overriding file has the same attributes, which are right."""
    files = {
        "compose.yaml": "include: [n.yaml]\nservices:\n  a: {extends: {file: n.yaml, service: b}}\n  c: {extends: z}\n",
        "b.yaml": "include: [c.yaml]\nservices:\n  a: {extends: {file: c.yaml, service: b}}\n  c: {extends: a}\n",
        "c.yaml": "services: {b: {image: i}}\n",
    }
    found = places(files, files=("compose.yaml", "b.yaml"))
    assert found == ["compose.yaml:1: n.yaml", "compose.yaml:3: n.yaml", "compose.yaml:4: z"]


def test_errors_of_all_included_files_must_be_told_in_one_run():
    """And those of the file that includes them."""
    files = {
        "compose.yaml": "include: [a.yaml, nope.yaml, b.yaml]\nservices: {c: {imagee: i}}\n",
        "a.yaml": "services: {a: {imagee: i}}\n",
        "b.yaml": "services: {b: {imagee: i}}\n",
    }
    found = places(files)
    assert sorted(found) == [
        "a.yaml:1: imagee",
        "b.yaml:1: imagee",
        "compose.yaml:1: nope.yaml",
        "compose.yaml:2: imagee",
    ]


def test_an_anchor_that_is_wrong_must_be_told_once():
    """However many services use it."""
    text = "x-a: &a\n  imagee: i\nservices:\n  a: *a\n  b: *a\n  c:\n    <<: *a\n"
    assert places({"compose.yaml": text}) == ["compose.yaml:2: imagee"]


def test_a_value_that_is_wrong_must_not_be_told_again_by_a_later_stage():
    """`extends: [b]` is no name of a service, and no list."""
    assert places({"compose.yaml": "services: {a: {image: i, extends: [b]}}\n"}) == ["compose.yaml:1: [b]"]


def test_a_merge_key_that_merges_itself_must_not_hang_the_search():
    """YAML allows to write it."""
    with pytest.raises(ComposeError):
        load(options({"compose.yaml": "services: &s\n  <<: *s\n  a: {imag: i}\n"}))


@pytest.mark.parametrize(
    ("text", "place"), [("- a\n", "1: - a"), ("hello\n", "1: hello"), ("---\n---\na: b\n", "2: -")]
)
def test_a_file_that_is_no_mapping_must_be_marked(text, place):
    """It is a list, a word, or an empty document before another."""
    assert places({"compose.yaml": text}) == [f"compose.yaml:{place}"]


@pytest.mark.parametrize(
    ("line", "place"),
    [("COMPOSE_PROJECT_NAME=Upper", "Upper"), ("COMPOSE_FILE=nope.yaml", "nope.yaml"), ("A B=1", "A B")],
)
def test_a_line_of_an_env_file_must_be_marked_where_its_value_is_wrong(line, place):
    """Not only where it is no assignment."""
    given = {"compose.yaml": "services: {a: {image: i}}\n", ".env": f"X=1\n{line}\n"}
    assert places(given) == [f".env:2: {place}"]


def test_all_lines_of_env_files_that_are_wrong_must_be_told():
    """Those of one file, and those of several; what follows an open quote is part of it."""
    given = {
        "compose.yaml": "services:\n  a: {image: i, env_file: [one.env, two.env, nope.env]}\n",
        "one.env": "A B=1\nC=${D?say}\nE=1\nF!=2\n",
        "two.env": "A='x\nB C=2\n",
    }
    assert places(given) == [
        "one.env:1: A B",
        "one.env:2: ${D?say}",
        "one.env:4: !",
        "two.env:1: 'x",
        "compose.yaml:2: nope.env",
    ]


def test_values_and_references_that_are_wrong_must_be_told_together():
    """They do not depend on each other."""
    text = "services:\n  a:\n    image: i\n    mem_limit: lots\n    ports: ['x', '80:y']\n    depends_on: [nope]\n"
    assert places({"compose.yaml": text.replace("    ports: ['x', '80:y']\n", "")}) == [
        "compose.yaml:4: lots",
        "compose.yaml:5: nope",
    ]
    assert places({"compose.yaml": text}) == ["compose.yaml:5: 'x'", "compose.yaml:5: '80:y'"]


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("a: [x,\n\n", "1: [", "`[` is not closed"),
        ("a: 'x\n\n", "1: '", "the quote that begins here is not closed"),
        ("a:\n  b: 1\n c: 2\n", "3: c", "keys of one mapping begin in one column; the line is indented differently"),
        ("a:\n  b: x\n    c: 2\n", "3: :", "is the line indented too far, or is something missing in the line above?"),
        ("a: x: y\n", "1: :", "a text that holds `: ` needs quotes around it"),
        ("a: @x\n", "1: @", "a value that begins so needs quotes around it"),
        ("a:\n\tb: 1\n", "2: \t", "YAML indents with spaces only"),
        ("a: &base {}\nb: *bsae\n", "2: *bsae", "did you mean `base`?"),
        (
            "%YAML 1.2\n---\na: b\n",
            "1: %YAML 1.2",
            "delete the line; docker compose refuses it too, though it reads YAML 1.2",
        ),
        ('a: "\\q"\n', "1: \\", "in double quotes a backslash is written twice; in single quotes it is itself"),
        ("a: b\n\nc: \x07\n", "3: \x07", 'a text in double quotes can hold it as `"\\x07"`'),
    ],
)
def test_what_is_no_yaml_must_be_marked_with_what_usually_helps(text, place, hint):
    """Not where the parser gave up, but where something is missing."""
    with pytest.raises(ComposeError) as caught:
        load(options({"compose.yaml": text}))
    assert (marked(caught.value), caught.value.hint) == (f"compose.yaml:{place}", hint)
