"""Errors: each with its place, the nearest right word, and all of them in one run."""

import posixpath

import pytest

from compose.errors import (
    EXIT_BAD_MODEL,
    EXIT_FILE_NOT_FOUND,
    CircularDependency,
    ComposeError,
    DanglingReference,
    ErrorGroup,
    InterpolationError,
    ProjectError,
    SchemaViolation,
)
from compose.loader.project import load
from tests.unit.loader.memory import FOLDER, load_text, options


def refused(text: str, **more) -> ComposeError:
    with pytest.raises(ComposeError) as caught:
        load_text(text, **more)
    return caught.value


def marked(error: ComposeError) -> str:
    """The line and the text that the span marks."""
    assert error.span is not None
    start = error.span.column - 1
    return f"{error.span.line}: {error.span.text[start : start + error.span.length]}"


def test_unknown_key_must_be_marked_with_the_nearest_known_one():
    """A typo is found where it is."""
    error = refused("services:\n  web:\n    image: i\n    enviroment: {A: b}\n")
    assert isinstance(error, SchemaViolation)
    assert error.message == "services.web Additional property enviroment is not allowed"
    assert error.hint == "did you mean `environment`?"
    assert marked(error) == "4: enviroment"
    assert error.exit_code == EXIT_BAD_MODEL


def test_wrong_type_must_mark_the_value():
    """The value is wrong, not the key."""
    error = refused("services:\n  web:\n    image: 5\n")
    assert error.message == "services.web.image must be a string"
    assert marked(error) == "3: 5"


def test_value_out_of_a_choice_must_get_the_nearest():
    """As keys do."""
    error = refused("services: {a: {image: i, pull_policy: allways}}\n")
    assert "must be one of the following" in error.message
    assert error.hint == "did you mean `always`?"


def test_all_violations_must_be_told_at_once():
    """One run, one list."""
    error = refused("services:\n  a: {imag: x}\n  b: {image: 1, tty: []}\n")
    assert isinstance(error, ErrorGroup)
    assert [marked(each) for each in error.errors] == ["2: imag", "3: 1", "3: []"]


def test_all_variables_that_are_missing_must_be_told_at_once():
    """Required ones; with their reasons."""
    error = refused("services:\n  a: {image: '${X?need X}'}\n  b: {image: '${Y:?need Y}'}\n")
    assert isinstance(error, ErrorGroup)
    assert all(isinstance(each, InterpolationError) for each in error.errors)
    assert "required variable X is missing a value: need X" in str(error)
    assert "required variable Y is missing a value: need Y" in str(error)


def test_all_dangling_references_must_be_told_at_once():
    """Network, volume, secret, config, dependency."""
    text = (
        "services:\n  a:\n    image: i\n    networks: [nett]\n    volumes: ['dat:/d']\n    secrets: [s]\n"
        "    configs: [c]\n    depends_on: [bb]\n  b: {image: i}\nnetworks: {net: }\nvolumes: {data: }\n"
    )
    error = refused(text)
    assert isinstance(error, ErrorGroup)
    assert all(isinstance(each, DanglingReference) for each in error.errors)
    assert {each.hint for each in error.errors} >= {"did you mean `net`?", "did you mean `data`?"}
    assert [marked(each).split(": ")[0] for each in error.errors] == ["4", "5", "6", "7", "8"]


def test_disabled_dependency_must_name_the_profile():
    """What would enable it is told."""
    text = "services:\n  web: {image: i, depends_on: [db]}\n  db: {image: i, profiles: [store, all]}\n"
    error = refused(text)
    assert error.message == 'service "web" depends on undefined service "db"'
    assert error.hint == "`db` is disabled; it can be enabled by `--profile store`, `--profile all`"


@pytest.mark.parametrize(
    "text",
    [
        "a: {image: i, depends_on: [b]}, b: {image: i, links: ['c:x']}, c: {image: i, network_mode: 'service:a'}",
        "a: {image: i, ipc: 'service:b'}, b: {image: i, volumes_from: [c]}, c: {image: i, depends_on: {a: {}}}",
    ],
)
def test_cycle_must_be_told_with_its_path(text):
    """Implied dependencies count."""
    if "{}}}" in text:
        text = text.replace("{a: {}}", "{a: {condition: service_started}}")
    error = refused(f"services: {{{text}}}\n")
    assert isinstance(error, CircularDependency)
    assert error.message == "dependency cycle detected: a -> b -> c -> a"


def test_long_chain_must_not_be_taken_for_a_cycle():
    """Two thousand services in a row."""
    chain = "".join(f"  s{i:04}: {{image: i, depends_on: [s{i + 1:04}]}}\n" for i in range(2000))
    assert len(load_text(f"services:\n{chain}  s2000: {{image: i}}\n").project.services) == 2001


def test_extends_cycle_must_be_told_with_its_path():
    """Each step with its file."""
    error = refused("services:\n  a: {extends: b}\n  b: {extends: a}\n")
    assert isinstance(error, CircularDependency)
    assert error.message.startswith("Circular reference:")


def test_extends_of_an_unknown_service_must_get_the_nearest():
    """A typo again."""
    error = refused("services:\n  web: {image: i, extends: {service: bse}}\n  base: {image: i}\n")
    assert error.message == f'cannot extend service "web" in {FOLDER}/compose.yaml: service "bse" not found'
    assert error.hint == "did you mean `base`?"
    assert marked(error) == "2: bse"


def test_error_in_an_override_must_be_marked_there():
    """Not in the file that it overrides."""
    files = {
        "compose.yaml": "services: {a: {image: i}}\n",
        "compose.override.yaml": "services:\n  a:\n    ttyy: true\n",
    }
    with pytest.raises(SchemaViolation) as caught:
        load(options(files))
    assert str(caught.value.span) == f"{FOLDER}/compose.override.yaml:3:5"


def test_bad_list_item_must_be_marked_though_merging_moved_it():
    """The second file's first port is the third of the merged list."""
    files = {
        "compose.yaml": "services: {a: {image: i, ports: ['1:1', '2:2']}}\n",
        "compose.override.yaml": "services:\n  a:\n    ports:\n      - '3:3'\n      - '4:x'\n",
    }
    with pytest.raises(SchemaViolation) as caught:
        load(options(files))
    assert str(caught.value.span) == f"{FOLDER}/compose.override.yaml:5:9"


def test_error_behind_an_alias_must_be_marked_at_the_anchor():
    """There is the text to change."""
    error = refused("x-a: &a\n  imag: i\nservices:\n  web: *a\n")
    assert marked(error) == "2: imag"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no configuration file provided: not found"),
        ({"compose.yaml": "include: [nope.yaml]\n"}, "nope.yaml: no such file or directory"),
        ({"compose.yaml": "services: {a: {extends: {service: b, file: nope.yaml}}}\n"}, "nope.yaml: no such file"),
        ({"compose.yaml": "services: {a: {image: i, env_file: nope}}\n"}, f"env file {FOLDER}/nope not found"),
    ],
)
def test_missing_file_must_be_named_and_exit_with_14(files, message):
    """docker compose's exit code for a file that is not there."""
    with pytest.raises(ComposeError) as caught:
        load(options(files))
    assert message in caught.value.message
    assert caught.value.exit_code == EXIT_FILE_NOT_FOUND


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"compose.yaml": "include: [nope.yaml]\nservices: {a: {image: i}}\n"}, ("compose.yaml", 1, 11)),
        ({"compose.yaml": "include: [b.yaml]\n", "b.yaml": "include:\n  - nope.yaml\n"}, ("b.yaml", 2, 5)),
        ({"compose.yaml": "services: {a: {extends: {service: b, file: nope.yaml}}}\n"}, ("compose.yaml", 1, 44)),
    ],
)
def test_file_that_is_missing_must_be_shown_where_it_is_named(files, place):
    """Several files may name several others."""
    with pytest.raises(ComposeError) as caught:
        load(options(files))
    span = caught.value.span
    assert span is not None
    assert (posixpath.basename(span.file), span.line, span.column) == place


def test_unknown_service_on_the_command_line_must_get_the_nearest():
    """`up wbe`."""
    with pytest.raises(ProjectError) as caught:
        load(options({"compose.yaml": "services: {web: {image: i}}\n"}), ["wbe"])
    assert caught.value.message == "no such service: wbe"
    assert caught.value.span is None
    assert caught.value.hint == "did you mean `web`?"


def test_unset_variable_must_be_warned_of_with_its_place():
    """Once a variable, at its first use."""
    result = load_text("services:\n  a: {image: 'i:$TAG', hostname: $TAG}\n")
    (warning,) = result.warnings
    assert warning.message == 'The "TAG" variable is not set. Defaulting to a blank string.'
    assert warning.span is not None
    assert warning.span.line == 2


def test_cut_command_must_be_warned_of():
    """docker compose drops what follows an operator without a word."""
    (warning,) = load_text("services:\n  a:\n    image: i\n    command: run && go\n").warnings
    assert "&& go" in warning.message
    assert warning.span is not None
    assert warning.span.line == 4


def test_obsolete_version_and_old_booleans_must_be_warned_of():
    """As docker compose does."""
    result = load_text("version: '3'\nservices: {a: {image: i, tty: yes}}\n")
    messages = [warning.message for warning in result.warnings]
    assert any("`version` is obsolete" in message for message in messages)
    assert '"yes" for boolean is not supported by YAML 1.2, please use `true`' in messages


def test_inherited_error_must_be_marked_where_it_is_written():
    """In the file and the service that is extended."""
    given = {
        "compose.yaml": "services: {web: {extends: {file: base.yaml, service: common}}}\n",
        "base.yaml": "services:\n  common:\n    image: i\n    volumes:\n      - datta:/d\n",
    }
    with pytest.raises(DanglingReference) as caught:
        load(options(given))
    assert str(caught.value.span) == f"{FOLDER}/base.yaml:5:9"


@pytest.mark.parametrize(
    ("text", "message", "place", "hint"),
    [
        (
            "include: [{path: b.yaml, env-file: x}]\n",
            "`include` has no key `env-file`, which is overlooked",
            "1: env-file",
            "did you mean `env_file`?",
        ),
        (
            "services: {a: {extends: {service: b, fil: c}}, b: {image: i}}\n",
            "`extends` has no key `fil`, which is overlooked",
            "1: fil",
            "did you mean `file`?",
        ),
    ],
)
def test_keys_that_docker_compose_overlooks_must_be_warned_of(text, message, place, hint):
    """They have no effect, and a typo is found where it is."""
    (warning,) = load(options({"compose.yaml": text, "b.yaml": "services: {c: {image: i}}\n"})).warnings
    assert (warning.message, marked(warning), warning.hint) == (message, place, hint)


def test_what_the_schema_refuses_must_not_hide_what_else_is_wrong():
    """Typos of keys, dangling references and values that are no size are independent: one run tells all."""
    error = refused(
        "services:\n"
        "  web:\n    image: i\n    prots: ['80:80']\n    depends_on: [databse]\n"
        "  database:\n    image: i\n    enviroment: {}\n    volumes: [dat:/x]\n    mem_limit: 5x\n"
        "volumes: {data: }\n"
    )
    assert isinstance(error, ErrorGroup)
    assert [marked(each) for each in error.errors] == [
        "4: prots",
        "5: databse",
        "8: enviroment",
        "9: dat:/x",
        "10: 5x",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "services: {a: {imag: i}}\n",
        "services: {a: {image: 5}}\n",
        "services: {a: {image: i, depends_on: [b]}, b: 5}\n",
        "services: {a: {image: i, networks: [n]}}\nnetworks: {n: 5}\n",
        "services: {a: {image: i, models: [m]}}\nmodels: {m: {}}\n",
        "services: {a: {image: i, depends_on: [b]}, b: {image: i, profiles: x}}\n",
        "services: {a: {image: i, build: {additional_contexts: {x: 'service:b'}}}, b: {build: 5}}\n",
        "services: {a: {image: i, secrets: [s]}}\nsecrets: {s: {file: 5}}\n",
        "services: {a: {image: i, ports: [{target: 80, x: 5}, {target: 81}]}}\n",
        "services: {a: {image: i, healthcheck: {test: 5, interval: 1s}}}\n",
        "servics: {a: {image: i}}\n",
    ],
)
def test_one_cause_must_be_told_as_one_error(text):
    """What is left when the wrong part is set aside is no error of its own."""
    assert not isinstance(refused(text), ErrorGroup)
