"""What comes out: merged, canonical, typed, frozen."""

import pytest
from pydantic import ValidationError

from compose.errors import SchemaViolation
from compose.loader.project import load
from tests.unit.loader.memory import FOLDER, load_text, options, service


def test_a_dependency_must_be_required_by_a_variable():
    """`required: ${X:-true}`, which the schema wants as a boolean."""
    services = "{a: {image: i, depends_on: {b: {condition: service_started, required: '${X:-no}'}}}, b: {image: i}}"
    text = f"services: {services}\n"
    assert load_text(text).project.services["a"].depends_on["b"].required is False


@pytest.mark.parametrize("attribute", ["cpu_shares", "pids_limit", "scale", "mem_limit"])
def test_a_number_beyond_64_bits_must_be_told(attribute):
    """With its attribute, and in the loader's words; a fraction is dropped, as by docker compose."""
    with pytest.raises(SchemaViolation, match=f"services.a.{attribute}: out of range: 1e\\+300"):
        service(f"{attribute}: 1e300")
    assert load_text("services: {a: {image: i, cpu_shares: 512.9}}").project.services["a"].cpu_shares == 512


def test_permission_bits_must_be_octal_in_quotes_too():
    """Of all that has some: secrets of a build, and a tmpfs, as secrets and configs."""
    built = "build: {context: ., secrets: [{source: s, mode: '0440'}]}"
    mount = "volumes: [{type: tmpfs, target: /t, tmpfs: {mode: '01777'}}]"
    text = f"services: {{a: {{image: i, {built}, {mount}}}}}\nsecrets: {{s: {{file: f}}}}\n"
    found = load_text(text).project.services["a"]
    assert found.build.secrets[0].mode == 0o440
    assert found.volumes[0].tmpfs.mode == 0o1777


@pytest.mark.parametrize(("section", "known"), [("networks", "internal: true"), ("models", "model: m")])
def test_a_section_must_be_checked_below_any_name(section, known):
    """A name with a blank is no way around the schema."""
    with pytest.raises(SchemaViolation, match="Additional property nonsense is not allowed"):
        load_text(f"services: {{a: {{image: i}}}}\n{section}: {{'a b': {{{known}, nonsense: 1}}}}\n")


def merged(base: str, over: str) -> dict:
    """The printed form of service `a` of two files, given by its attributes."""
    given = {
        "compose.yaml": f"services: {{a: {{image: i, {base}}}}}\n",
        "compose.override.yaml": f"services: {{a: {{{over}}}}}\n",
    }
    return load(options(given)).model["services"]["a"]


@pytest.mark.parametrize(
    ("base", "over", "attribute", "expected"),
    [
        ("command: [a]", "command: [b]", "command", ["b"]),
        ("command: [a]", "command: []", "command", []),
        ("environment: [A=1, B=1]", "environment: {B: 2, C: 3}", "environment", {"A": "1", "B": "2", "C": "3"}),
        ("labels: {a: 1}", "labels: [b=2]", "labels", {"a": "1", "b": "2"}),
        ("expose: ['1']", "expose: ['1', '2']", "expose", ["1", "2"]),
        ("cap_add: [A]", "cap_add: [B, A]", "cap_add", ["A", "B"]),
        ("dns: 1.1.1.1", "dns: [8.8.8.8]", "dns", ["1.1.1.1", "8.8.8.8"]),
        ("hostname: a", "hostname: ''", "hostname", None),
        ("logging: {driver: a, options: {x: 1}}", "logging: {driver: b}", "logging", {"driver": "b"}),
        (
            "ulimits: {nofile: 1}",
            "ulimits: {nofile: {soft: 1, hard: 2}}",
            "ulimits",
            {"nofile": {"soft": 1, "hard": 2}},
        ),
        ("extra_hosts: [a=1.1.1.1]", "extra_hosts: {a: 2.2.2.2}", "extra_hosts", ["a=1.1.1.1", "a=2.2.2.2"]),
        ("command: [a], tty: true", "command: !reset null", "command", None),
        ("expose: ['1']", "expose: !override ['2']", "expose", ["2"]),
    ],
)
def test_override_must_merge_by_the_attributes_rule(base, over, attribute, expected):
    """Replace, append, by key, reset."""
    assert merged(base, over).get(attribute) == expected


def test_ports_and_mounts_must_replace_what_has_their_place():
    """A port by its four parts, a mount by its target."""
    found = merged("ports: ['80:80'], volumes: ['./a:/x']", "ports: ['80:80', '81:80'], volumes: ['./b:/x:ro']")
    assert [port["published"] for port in found["ports"]] == ["80", "81"]
    assert [volume["source"] for volume in found["volumes"]] == [f"{FOLDER}/b"]


def test_kinds_that_do_not_fit_must_be_refused():
    """A mapping over a list."""
    with pytest.raises(SchemaViolation, match=r"cannot override services\.a\.cap_add"):
        merged("cap_add: [A]", "cap_add: {A: 1}")


def test_extends_must_resolve_paths_from_the_extended_file():
    """And what it adds goes on top."""
    given = {
        "compose.yaml": "services: {a: {extends: {file: sub/base.yaml, service: b}, environment: {X: 2}}}\n",
        "sub/base.yaml": "services: {b: {build: ./c, environment: {X: 1, Y: 1}, env_file: e.env}}\n",
        "sub/e.env": "Z=1\n",
    }
    found = load(options(given)).project.services["a"]
    assert found.build is not None
    assert found.build.context == f"{FOLDER}/sub/c"
    assert found.environment == {"X": "2", "Y": "1", "Z": "1"}


def test_include_must_have_its_own_folder_and_variables():
    """The including file's variables come first, and its resources go on top."""
    given = {
        "compose.yaml": "include: [sub/compose.yaml]\nservices: {inc: {tty: true}}\n",
        "sub/compose.yaml": "services: {inc: {image: 'i:$TAG', build: .}}\n",
        "sub/.env": "TAG=sub\n",
    }
    found = load(options(given)).project.services["inc"]
    assert (found.image, found.tty) == ("i:sub", True)
    assert found.build is not None
    assert found.build.context == f"{FOLDER}/sub"
    assert load(options(given, {"TAG": "shell"})).project.services["inc"].image == "i:shell"


def test_profiles_must_disable_services_and_keep_them_in_reach():
    """Containers of a disabled service are no orphans."""
    text = "services:\n  a: {image: i}\n  b: {image: i, profiles: [p]}\n"
    project = load_text(text).project
    assert (list(project.services), list(project.disabled_services)) == (["a"], ["b"])
    assert list(load_text(text, {"COMPOSE_PROFILES": "p"}).project.services) == ["a", "b"]
    assert list(load_text(text, profiles=("*",)).project.services) == ["a", "b"]


def test_named_service_must_be_enabled_with_what_it_depends_on():
    """The others are disabled, not gone."""
    text = (
        "services:\n  a: {image: i, depends_on: [c]}\n  b: {image: i}\n  c: {image: i}\n"
        "  d: {image: i, profiles: [p]}\n"
    )
    project = load(options({"compose.yaml": text}), ["a"]).project
    assert (sorted(project.services), sorted(project.disabled_services)) == (["a", "c"], ["b", "d"])
    assert list(load(options({"compose.yaml": text}), ["d"]).project.services) == ["d"]


def test_env_file_of_a_service_that_is_not_asked_for_must_not_be_read():
    """It may be missing."""
    text = "services:\n  a: {image: i}\n  b: {image: i, env_file: nope.env}\n"
    assert list(load(options({"compose.yaml": text}), ["a"]).project.services) == ["a"]


def test_values_must_be_typed():
    """Bytes, seconds, words; nothing left to parse."""
    text = (
        "services:\n  a:\n    image: i\n    command: sleep 1\n    mem_limit: 64m\n    stop_grace_period: 1m30s\n"
        "    healthcheck: {test: curl x, interval: 5s}\n    ports: ['80-81:8080-8081']\n    cpus: '0.5'\n"
        "    deploy: {resources: {limits: {memory: 64m, cpus: 0.5}}, restart_policy: {delay: 2s}}\n"
        "    tmpfs: /t\n    extra_hosts: ['h:1.2.3.4', 'v6=[::1]']\n    secrets: [{source: s, mode: 0400}]\n"
        "secrets: {s: {environment: S}}\n"
    )
    found = load_text(text, {"S": "content"}).project
    a = found.services["a"]
    assert (a.command, a.mem_limit, a.stop_grace_period, a.cpus) == (("sleep", "1"), 64 << 20, 90.0, 0.5)
    assert a.healthcheck is not None
    assert (a.healthcheck.test, a.healthcheck.interval) == (("CMD-SHELL", "curl x"), 5.0)
    assert [(port.host_ports, port.target) for port in a.ports] == [((80, 80), 8080), ((81, 81), 8081)]
    assert a.deploy is not None
    assert a.deploy.restart_policy is not None
    assert a.deploy.restart_policy.delay == 2.0
    assert a.extra_hosts == {"h": ("1.2.3.4",), "v6": ("::1",)}
    assert a.secrets[0].mode == 0o400
    assert found.secrets["s"].content == "content"


def test_what_is_implied_must_be_written_out():
    """The default network, names, dependencies."""
    text = "services:\n  a: {image: i, links: ['b:x']}\n  b: {build: .}\nvolumes: {v: }\n"
    found = load_text(text).project
    assert found.networks["default"].name == "shop_default"
    assert found.services["a"].depends_on["b"].restart is True
    assert found.services["b"].build is not None
    assert found.services["b"].build.dockerfile == "Dockerfile"
    assert "v" not in found.volumes


def test_project_must_be_frozen():
    """A plan is made from a model that cannot change."""
    project = load_text("services: {a: {image: i}}\n").project
    with pytest.raises(ValidationError):
        project.services["a"].image = "other"  # type: ignore[misc]


def test_extension_keys_must_be_kept():
    """On every level."""
    found = load_text("x-top: 1\nservices: {a: {image: i, x-own: {k: v}, healthcheck: {test: a, x-h: 1}}}\n").project
    assert found.extensions == {"x-top": 1}
    assert found.services["a"].extensions == {"x-own": {"k": "v"}}
    assert found.services["a"].healthcheck is not None
    assert found.services["a"].healthcheck.extensions == {"x-h": 1}


def test_dollars_must_be_doubled_when_printed():
    """What is printed is a Compose file again."""
    assert service("command: ['$$A'], environment: {P: 'a$$b'}")["command"] == ["$$A"]
    assert load_text("services: {a: {image: i, command: ['$$A']}}\n").project.services["a"].command == ("$A",)


def test_secrets_must_not_be_printed():
    """The content of a variable stays out of `config`."""
    result = load_text("services: {a: {image: i, secrets: [s]}}\nsecrets: {s: {environment: S}}\n", {"S": "hush"})
    assert "hush" not in str(result.model)
    assert "hush" not in result.yaml


def test_file_used_twice_must_be_the_same_both_times():
    """Included in two folders with two sets of variables; extended and loaded; given twice."""
    given = {
        "compose.yaml": (
            "include:\n  - {path: part.yaml, env_file: one.env}\n  - {path: part2/../part.yaml, env_file: two.env}\n"
            "services: {a: {extends: {file: compose.yaml, service: base}}, base: {image: 'i:$$x', expose: ['1']}}\n"
        ),
        "part.yaml": "volumes: {v: {labels: {x: $X}}}\nservices: {p: {image: i, volumes: ['v:/v'], labels: {x: $X}}}\n",
        "one.env": "X=1\n",
        "two.env": "X=2\n",
    }
    services = load(options(given)).project.services
    assert services["a"].image == "i:$x"
    assert services["a"].expose == ("1",)
    assert services["p"].labels == {"x": "1"}
    twice = load(options({"a.yaml": "services: {s: {image: 'i:$$x', command: [c]}}\n"}, files=("a.yaml", "a.yaml")))
    assert twice.project.services["s"].image == "i:$x"


def test_address_of_a_long_port_must_be_one():
    """As in the short form."""
    with pytest.raises(SchemaViolation, match="invalid ip address: nope"):
        load_text("services: {a: {image: i, ports: [{target: 80, host_ip: nope}]}}\n")
