"""Ports, mounts, commands: the short forms."""

import pytest

from compose.loader.canonical import clean_target
from compose.loader.mount import parse_volume
from compose.loader.port import parse_port
from compose.loader.problem import Problem
from compose.loader.words import split


def port(spec: str) -> list[str]:
    """Each entry as `host_ip|published|target/protocol`."""
    return [
        f"{entry.get('host_ip', '')}|{entry.get('published', '')}|{entry['target']}/{entry['protocol']}"
        for entry in parse_port(spec)
    ]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("80", ["||80/tcp"]),
        ("8080:80", ["|8080|80/tcp"]),
        ("8080:80/udp", ["|8080|80/udp"]),
        ("81/SCTP", ["||81/sctp"]),
        ("127.0.0.1:8080:80", ["127.0.0.1|8080|80/tcp"]),
        ("127.0.0.1::80", ["127.0.0.1||80/tcp"]),
        ("[::1]:80:80", ["::1|80|80/tcp"]),
        ("3000-3001", ["||3000/tcp", "||3001/tcp"]),
        ("9090-9091:8080-8081", ["|9090|8080/tcp", "|9091|8081/tcp"]),
        ("8000-9000:80", ["|8000-9000|80/tcp"]),
    ],
)
def test_ports_must_be_one_entry_a_container_port(spec, expected):
    """Addresses, ranges, protocols."""
    assert port(spec) == expected


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("80:", "No port specified: 80:<empty>"),
        ("abc", "Invalid containerPort: abc"),
        ("70000", "Invalid containerPort: 70000"),
        ("a:80", "Invalid hostPort: a"),
        ("90-80:80-90", "Invalid hostPort: 90-80"),
        ("1-3:80-81", "Invalid ranges specified for container and host Ports: 80-81 and 1-3"),
        ("80:80/foo", "Invalid proto: foo"),
        ("300.1.1.1:80:80", "Invalid ip address: 300.1.1.1"),
        ("localhost:80:80", "Invalid ip address: localhost"),
        ("::1:80:80", "too many colons in address"),
        ("²:80", "Invalid hostPort: ²"),
    ],
)
def test_bad_ports_must_say_which_part_is_wrong(spec, message):
    """The part is named."""
    with pytest.raises(Problem) as caught:
        parse_port(spec)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("/data", {"type": "volume", "target": "/data", "volume": {}}),
        (
            "vol:/data:ro,nocopy",
            {"type": "volume", "source": "vol", "target": "/data", "read_only": True, "volume": {"nocopy": True}},
        ),
        ("./src:/app", {"type": "bind", "source": "./src", "target": "/app", "bind": {"create_host_path": True}}),
        (
            "~/x:/x:z,rshared",
            {
                "type": "bind",
                "source": "~/x",
                "target": "/x",
                "bind": {"selinux": "z", "propagation": "rshared", "create_host_path": True},
            },
        ),
        ("${V:-vol}:/data", {"type": "volume", "source": "${V:-vol}", "target": "/data", "volume": {}}),
        ("vol:/x:unknown", {"type": "volume", "source": "vol", "target": "/x", "volume": {}}),
    ],
)
def test_mounts_must_get_their_long_form(spec, expected):
    """What begins with `.`, `/`, `~` is a path, anything else a volume's name."""
    assert parse_volume(spec) == expected


def test_one_letter_name_must_read_as_a_drive():
    """`d:/d` is a path of Windows for docker compose, whatever was meant."""
    assert parse_volume("d:/d") == {"type": "volume", "target": "d:/d", "volume": {}}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "invalid empty volume spec"),
        (":/foo", "empty section between colons"),
        ("/foo::ro", "empty section between colons"),
        ("avol:/b:ro:z", "too many colons"),
    ],
)
def test_bad_mounts_must_say_what_is_wrong(spec, message):
    """The reason is told."""
    with pytest.raises(Problem, match=message):
        parse_volume(spec)


def test_targets_must_be_clean_paths():
    """Two spellings of one path are one mount."""
    assert clean_target("/a//b/../c/.") == "/a/c"
    assert clean_target("/../x/") == "/x"
    assert clean_target("a/..") == "."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo hello", ("echo", "hello")),
        ("  a  b\tc\n", ("a", "b", "c")),
        ("sh -c 'a b' \"c d\"", ("sh", "-c", "a b", "c d")),
        ("a ''", ("a", "")),
        (r"a\ b \\", ("a b", "\\")),
        ("echo $(date +%s)", ("echo", "$(date +%s)")),
        ("a'b'c", ("abc",)),
        ("", ()),
    ],
)
def test_commands_must_be_split_without_a_shell(text, words):
    """Quotes and backslashes group, nothing is expanded."""
    assert split(text).words == words


def test_split_must_stop_at_an_operator_and_tell():
    """`a && b` is `a`, as with docker compose; what was left is known."""
    assert split("a && b").words == ("a",)
    assert split("a && b").rest == "&& b"


@pytest.mark.parametrize("text", ["'open", '"open', "a \\", "(a)", "a)"])
def test_open_quotes_must_be_refused(text):
    """A command that ends inside a quotation is a mistake."""
    with pytest.raises(ValueError, match="invalid command line string"):
        split(text)
