"""What to do about an error: the quotes that are missing, the key that was meant, where it belongs."""

import pytest

from compose.errors import ComposeError, ErrorGroup
from tests.unit.loader.memory import load_text


def hints(text: str) -> list[str]:
    with pytest.raises(ComposeError) as caught:
        load_text(text)
    error = caught.value
    return [each.hint for each in (error.errors if isinstance(error, ErrorGroup) else (error,))]


@pytest.mark.parametrize(
    ("attribute", "hint"),
    [
        ("enviroment: {A: b}", "did you mean `environment`?"),
        ("dockerfile: D", "it belongs under `build`"),
        ("replicas: 2", "it belongs under `deploy`"),
        ("retries: 3", "it belongs under `healthcheck`"),
        ("net: host", "it is called `network_mode`"),
        ("memory: 1g", "it is called `mem_limit` or `deploy.resources.limits.memory`"),
        ("build: {context: ., restart: always}", "it is known of `services.web`; is it indented too far?"),
        ("logging: {foo: 1}", "known keys are `driver`, `options`"),
        ("ports: '80:80'", 'it is a string; a list of one is written `["80:80"]`'),
        ("ports: {'80': '80'}", "it is a mapping; each item of a list begins with `- `"),
        ("ports: [80: 80]", 'the blank after `:` makes a mapping of it; write `"80:…"` in quotes'),
        ("environment: [A: b]", "write `A=b`"),
        ("environment: [A=b: c]", "a text that holds `: ` needs quotes around it"),
        ("environment: [1]", 'it is an integer; write it with quotes, `"1"`'),
        ("user: 1000", 'it is an integer; write it with quotes, `"1000"`'),
        ("restart: false", 'it is a boolean; the policy is written with quotes, `"no"`'),
        ("privileged: 1", "it is an integer; write `true` or `false`"),
        ("stop_grace_period: 10", "it is an integer; write it with its unit, `10s`"),
        ("hostname: ", 'it is empty; fill it in, remove it, or write `""`'),
        ("hostname: [a]", "it is a list; only one value can be given"),
        ("labels: ", "it is empty; fill it in, remove it, or write `{}`"),
        ("security_opt: [A, A]", "`A` stands there twice; remove one of them"),
        ("ulimits: {nofile: {soft: 1}}", "add `soft:` and `hard:`"),
        ("volumes: [{target: /x}]", "add `type:`, one of `bind`, `volume`, `tmpfs`, `cluster`, `npipe`, `image`"),
        ("pull_policy: allways", "did you mean `always`?"),
        ("stop_grace_period: soon", "expected a duration with units: `10s`, `1m30s`, `500ms`"),
        ("mem_limit: lots", "expected a size: `512m`, `1.5gb`, or a number of bytes"),
        ("cpus: many", "expected a number, such as `0.5`"),
        ("volumes: ['data/x:/x']", "a path of the host begins with `./`, as in `./data/x`"),
        ("volumes: ['data:/x']", "declare it under the top-level `volumes:`"),
        ("healthcheck: {test: [curl]}", 'write `["CMD", "curl", …]`, or one string for the shell'),
    ],
)
def test_an_attribute_that_is_wrong_must_be_told_with_what_would_be_right(attribute, hint):
    """In one line, with the user's own words."""
    assert hints(f"services:\n  web:\n    image: i\n    {attribute}\n") == [hint]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web: {image: i}\n", ["if `web` is a service, put it under `services:`"]),
        ("hostname: i\n", ["it belongs to a service, under `services:`; is it indented enough?"]),
        (
            "services:\n  web: {image: i}\n  ports: ['80']\n",
            ["`ports` is an attribute of a service; is it indented enough?"],
        ),
        ("service: {web: {image: i}}\n", ["did you mean `services`?"]),
        ("services: {a: {image: i, depends_on: [b]}, c: {image: i}}\n", ["known services are `a`, `c`"]),
        (
            "volumes: {n: bridge}\n",
            ["it is a string; its keys are `driver`, `driver_opts`, `external`, `labels`, `name`"],
        ),
    ],
)
def test_what_stands_in_the_wrong_place_must_be_told_with_the_right_one(text, expected):
    """Most errors of beginners are of indentation."""
    assert hints(text) == expected


def test_a_value_that_variables_made_must_be_told_as_it_became():
    """The file shows the variable, the message the value."""
    with pytest.raises(ComposeError) as caught:
        load_text("services: {a: {image: i, privileged: '${B}'}}\n", {"B": "maybe"})
    assert caught.value.context == "`${B}` became `maybe`"
    with pytest.raises(ComposeError) as caught:
        load_text("services: {a: {image: i, scale: '${N-}'}}\n")
    assert caught.value.context == "`${N-}` became an empty text"


def test_of_two_that_exclude_each_other_the_other_must_be_named_with_its_place():
    """One is marked, the other is told."""
    with pytest.raises(ComposeError) as caught:
        load_text("services:\n  a:\n    image: i\n    network_mode: host\n    networks: [n]\nnetworks: {n: }\n")
    assert caught.value.context.startswith("the other is ")
    assert caught.value.context.endswith("compose.yaml:5:15")
