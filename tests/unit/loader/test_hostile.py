"""Projects made to break the loader: each is refused within a second and 200 MB, with the place that is at fault."""

from collections.abc import Callable

import pytest

from compose.loader.pipeline import resolve
from tests.support.bounded import MEGABYTES, SECONDS, call, require_accepted, require_refused
from tests.unit.loader.memory import options

A = "services: {a: {image: i}}\n"


def refused(text: str | bytes | dict[str, str], message: str, environment: dict[str, str] | None = None) -> str:
    return require_refused(_resolving(text, environment), message)


def accepted(text: str | bytes | dict[str, str], environment: dict[str, str] | None = None) -> None:
    require_accepted(_resolving(text, environment))


def _resolving(text: str | bytes | dict[str, str], environment: dict[str, str] | None) -> Callable[[], object]:
    if isinstance(text, bytes):
        return lambda: resolve(options({}, environment, files=("-",), stdin=text))
    given = text if isinstance(text, dict) else {"compose.yaml": text}
    return lambda: resolve(options(given, environment))


def lines(template: str, count: int) -> str:
    return "".join(template.format(i=index, next=index + 1) for index in range(count))


def _aliases(first: str, level: str) -> str:
    """`x-0` and eleven levels over it, nine aliases on each."""
    text = f"x-0: &a0 {first}\n"
    for number in range(1, 12):
        aliases = [f"*a{number - 1}"] * 9
        items = ", ".join(f"k{index}: {alias}" for index, alias in enumerate(aliases))
        text += f"x-{number}: &a{number} " + level.format(list=", ".join(aliases), items=items) + "\n"
    return text + A


@pytest.mark.parametrize(
    "text",
    [
        _aliases("[x, x]", "[{list}]"),
        _aliases("{a: b}", "{{{items}}}"),
        _aliases("{a: b}", "{{<<: [{list}]}}"),
        f"x-a: &a [{', '.join(['x'] * 5000)}]\nx-b: [{', '.join(['*a'] * 5000)}]\n{A}",
        f"x-a: &a {{{', '.join(f'k{i}: v' for i in range(5000))}}}\n" + lines("x-{i}: {{<<: *a}}\n", 5000) + A,
        "services:\n" + _aliases("{image: i}", "{{{items}}}").replace("x-", "  s").removesuffix(A),
        "x-0: &a0 {a: b}\n" + lines("x-{next}: &a{next} {{<<: *a{i}}}\n", 5000) + A,
        "x-0: &a0 [a]\n" + lines("x-{next}: &a{next} [*a{i}]\n", 5000) + A,
    ],
    ids=["lists", "mappings", "merge keys", "quadratic", "quadratic merges", "services", "long merges", "long lists"],
)
def test_an_alias_bomb_must_be_refused(text):
    """Before it is expanded; docker compose 2.26 takes 24 GB for one of them."""
    refused(text, "document contains excessive aliasing")


@pytest.mark.parametrize(
    "text", ["x-a: &a [*a]\n", "x-a: &a {b: {c: *a}}\n", "x-a: &a {<<: *a}\n", "x-a: &a {b: &b {c: *a, d: *b}}\n"]
)
def test_an_anchor_in_itself_must_be_refused(text):
    """By any way."""
    refused(text + A, "cycle detected")


@pytest.mark.parametrize(
    "text",
    [
        "x-a: " + "[" * 100_000,
        "x-a: " + "[\n" * 200_000,
        "x-a: " + "{a: \n" * 200_000,
        "x-a: " + "[" * 200 + "]" * 200 + "\n" + A,
        "x-a:\n  " + "- " * 100_000 + "a\n",
        "x-a:\n  " + "? " * 100_000 + "a\n",
        "? [\n" * 100_000,
        "x-a:\n" + "".join(" " * (level + 1) + "k:\n" for level in range(3000)) + A,
        "x-a: !x &a [" * 50_000,
    ],
    ids=["flow", "flow lines", "mappings", "closed", "sequences", "keys", "key lines", "indentation", "tags"],
)
def test_deep_nesting_must_be_refused(text):
    """PyYAML's C parser recurses on the C stack: unguarded, one of these ends the process by a signal."""
    refused(text, "nested more than 100 levels deep")


@pytest.mark.parametrize(
    "text",
    [
        "x-a:\n" + lines("  k{i}: v\n", 1_000_000),
        "x-a: {" + "k: v, " * 1_000_000,
        "x-a: [" + "a," * 1_000_000,
        "x-a:\n" + "- a\n" * 600_000,
        "x-a: |\n" + "  text\n" * 600_000,
    ],
    ids=["block", "flow", "list", "items", "text"],
)
def test_a_million_keys_must_be_refused(text):
    """Half a million lines and items are the limit: a project of three thousand services has a tenth of that."""
    refused(text, "more than 500000 lines and items")


def test_a_text_of_ten_megabytes_must_be_read():
    """In one line, quoted or not."""
    accepted(f"x-a: {'x' * 10_000_000}\n{A}")
    accepted(f'x-a: "{"x" * 10_000_000}"\n{A}')


def test_a_stdin_of_a_hundred_megabytes_must_be_refused():
    """Without being parsed."""
    refused(b"x-a: " + b"x" * 100_000_000, "standard input: larger than 16777216 bytes")


def test_equal_keys_must_be_refused_with_both_lines():
    """Wherever the mapping is."""
    text = "x-a:\n  k: 1\n" + lines("  k{i}: v\n", 5000) + "  k: 2\n" + A
    assert "compose.yaml:5003:3" in refused(text, 'mapping key "k" already defined at line 2')


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"services: {a: {image: 'i\0'}}", "control characters are not allowed"),
        (b'services: {a: {image: "i\\0"}}', "cannot hold the character NUL"),
        (b"services: {a: {image: \xff}}", "invalid UTF-8"),
        (b"services: {a: {image: \xed\xa0\x80}}", "invalid UTF-8"),
        (b'services: {a: {image: "\\ud800"}}', "invalid Unicode character escape code"),
        (A.encode("utf-32"), "control characters are not allowed"),
        (A.encode("utf-16")[:-1], "invalid UTF-8"),
        (A.encode("utf-16-le"), "control characters are not allowed"),
        (b"services: {a: {image: i\x01}}", "control characters are not allowed"),
        (b"services: {a: {image: i\x7f}}", "control characters are not allowed"),
        (b"services:\x0c{a: {image: i}}", "control characters are not allowed"),
        (b"services: {a: {image: '\x1b[2J'}}", "control characters are not allowed"),
    ],
)
def test_bytes_that_are_no_text_must_be_refused(data, message):
    """NUL, control characters, half characters, other encodings without their mark."""
    assert "\x1b" not in refused(data, message)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_their_mark_must_be_read(encoding):
    """YAML's own two."""
    accepted(A.encode(encoding))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x-a: !!float .nan\n", "unsupported value: NaN"),
        ("x-a: {<<: [a]}\n", "map merge requires map or sequence of maps"),
        ("x-a: {<<: text}\n", "map merge requires map or sequence of maps"),
        ("x-a: {<<: {a: b}, <<: {c: d}}\n", "already defined"),
        ("x-a: {~: 1}\n", "Non-string key in x-a: <nil>"),
        ("x-a: {1: 1}\n", "Non-string key in x-a: 1"),
        ("x-a: {true: 1}\n", "Non-string key in x-a: true"),
        ("x-a: {[a]: 1}\n", "Non-string key in x-a: ?"),
        ("x-a: {{a: b}: 1}\n", "Non-string key in x-a: ?"),
        ("? [a]\n: b\n", "Non-string key at top level: ?"),
        ("x-a: .inf\n", "unsupported value: +Inf"),
        ("x-a: -.INF\n", "unsupported value: -Inf"),
        ("x-a: .nan\n", "unsupported value: NaN"),
        ("x-a: !!float .inf\n", "unsupported value: +Inf"),
    ],
)
def test_what_yaml_has_and_compose_has_not_must_be_refused(text, message):
    """Keys that are no text, merges of what is no mapping, numbers that JSON lacks."""
    refused(text + A, message)


@pytest.mark.parametrize(
    "text",
    [
        "x-a: !!python/object/apply:os.system ['touch /tmp/x']\n",
        "x-a: !!binary aGk=\n",
        "x-a: !foo bar\n",
        "x-a: !!set {a, b}\n",
        "x-a: !!omap [a: b]\n",
        "x-a: {<<: [{a: b}, {c: d}]}\n",
        "x-a: {<<: {}}\n",
        "x-a: 1e400\n",
        f"x-a: {'9' * 5000}\n",
        f"x-a: 0x{'f' * 5000}\n",
        "x-a: 190:20:30\n",
    ],
)
def test_odd_values_must_be_data_and_nothing_else(text):
    """No tag makes an object, no number is too long."""
    accepted(text + A)


@pytest.mark.parametrize(
    "service",
    ["{{imag: x}}", "{{image: x, depends_on: [t{i}]}}", "{{image: x, volumes: ['v{i}:/x']}}", "{{image: x, cpus: z}}"],
)
def test_thousands_of_errors_must_be_told_as_a_hundred(service):
    """Each is looked for in the file; the first hundred are enough to read."""
    error = refused("services:\n" + lines("  s{i}: " + service + "\n", 2000), "more than 100 errors")
    assert error.count("\nerror: ") < 100


def test_thousands_of_unset_variables_must_be_told_as_a_hundred():
    """And how many there are beside these."""
    text = "services:\n  a:\n    image: i\n    environment:\n" + lines("      K{i}: $V{i}\n", 5000)
    accepted(text)
    warnings = resolve(options({"compose.yaml": text})).warnings
    assert len(warnings) == 101
    assert warnings[-1].message == "4900 more warnings are not shown"


@pytest.mark.parametrize("ports", ['"1-65535:1-65535"', '"1-65535"', '"127.0.0.1:1-65535:1-65535/udp"'])
def test_port_ranges_beyond_all_ports_must_be_refused(ports):
    """A hundred services with all ports have six million, in two kilobytes."""
    refused("services:\n" + lines(f"  s{{i}}: {{{{image: i, ports: [{ports}]}}}}\n", 100), "more than 65536 ports")


def test_a_service_that_thousands_extend_must_be_refused_when_it_is_large():
    """Twenty thousand items, five thousand times: a hundred million."""
    large = "  b: {image: i, security_opt: [" + ", ".join(f"a{i}" for i in range(10_000)) + "]}\n"
    text = f"services:\n{large}" + lines("  s{i}: {{extends: b}}\n", 2000)
    assert refused(text, "`extends` copies more than 500000 keys and values").count("error:") == 1


def test_a_chain_of_thousands_must_be_refused():
    """From either end."""
    down, up = "  s{i}: {{extends: s{next}}}\n", "  s{next}: {{extends: s{i}}}\n"
    refused(f"services:\n{lines(down, 3000)}  s3000: {{image: i}}\n", "`extends` goes on for more than 100 services")
    accepted(f"services:\n  s0: {{image: i}}\n{lines(up, 3000)}")


def test_files_that_include_another_twice_must_be_refused():
    """Forty of them make a trillion."""
    given = {f"f{i}.yaml": f"include: [f{i + 1}.yaml, f{i + 1}.yaml]\n" for i in range(40)}
    text = "include: [f0.yaml]\n" + A
    error = refused({"compose.yaml": text, **given, "f40.yaml": A}, "more than 1000 files are included")
    assert error.count("error:") == 1


def test_files_that_include_one_another_for_long_must_be_refused():
    """A thousand, each the next, would be as many calls on the stack."""
    given = {f"f{i}.yaml": f"include: [f{i + 1}.yaml]\n" for i in range(1000)}
    refused({"compose.yaml": "include: [f0.yaml]\n", **given}, "`include` goes on for more than 50 files")


@pytest.mark.parametrize(
    "given",
    [
        {"compose.yaml": "include: [compose.yaml]\n"},
        {"compose.yaml": "include: [./x/../compose.yaml]\n"},
        {"compose.yaml": "include: [sub/b.yaml]\n", "sub/b.yaml": "include: [../compose.yaml]\n"},
        {"compose.yaml": "include: [f0.yaml]\n", "f40.yaml": "include: [f7.yaml]\n"}
        | {f"f{i}.yaml": f"include: [f{i + 1}.yaml]\n" for i in range(40)},
    ],
    ids=["self", "other spelling", "two", "forty"],
)
def test_files_that_include_each_other_must_be_refused(given):
    """However the path is spelled, however long the way is."""
    refused(given, "include cycle detected")


@pytest.mark.parametrize(
    "given",
    [
        {"compose.yaml": "services: {a: {extends: a}}\n"},
        {"compose.yaml": "services: {a: {extends: {file: ./x/../compose.yaml, service: a}}}\n"},
        {"compose.yaml": "services: {a: {extends: b}, b: {extends: a}}\n"},
        {
            "compose.yaml": "services: {a: {extends: {file: b.yaml, service: a}}}\n",
            "b.yaml": "services: {a: {extends: {file: compose.yaml, service: a}}}\n",
        },
        {"compose.yaml": "services:\n" + lines("  s{i}: {{extends: s{next}}}\n", 50) + "  s50: {extends: s7}\n"},
    ],
    ids=["self", "other spelling", "two", "two files", "fifty"],
)
def test_services_that_extend_each_other_must_be_refused(given):
    """In one file or several."""
    refused(given, "Circular reference")


@pytest.mark.parametrize(
    "attribute",
    [
        "command: '{x}'",
        "volumes: ['{x}:/y']",
        "ports: ['{x}']",
        "ports: ['1-{x}']",
        "mem_limit: '{x}'",
        "stop_grace_period: '{x}'",
        "cpus: '{x}'",
        "depends_on: ['{x}']",
        "{x}: 1",
        "image: '${A:-{x}}'",
        "image: '${{x}}'",
        "extra_hosts: ['{x}']",
        "devices: ['{x}:{x}:{x}']",
        "tmpfs: ['{x}']",
        "pull_policy: '{x}'",
        "restart: '{x}'",
        "env_file: ['{x}']",
        "extends: '{x}'",
        "ulimits: {nofile: '{x}'}",
        "healthcheck: {test: ['{x}']}",
        "user: '{x}'",
    ],
)
def test_a_long_value_must_be_read_or_refused_in_linear_time(attribute):
    """Whatever it is the value of, whatever it repeats: patterns and loops look at each character a few times."""
    for part in ("x", "9", "a:", "{", "a-", "\\", '"', "$", "a=", "1s", "/..", "${A:-", "a b", "' "):
        value = (part * 200_000)[: 900 if attribute.startswith("{x}") else 200_000].replace("'", "''")
        text = attribute.replace("{x}", value)
        outcome = call(_resolving(f"services:\n  a:\n    build: i\n    {text}\n", None))
        assert (outcome.seconds < SECONDS, outcome.megabytes < MEGABYTES, len(outcome.error) < 20_000) == (True,) * 3, (
            part
        )
