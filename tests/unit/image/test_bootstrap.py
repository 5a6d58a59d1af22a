"""Base images from packages: which names mean one, where packages come from, what becomes of them."""

from pathlib import Path

import pytest

from runtime.errors import InvalidArgument
from runtime.image.bootstrap.bases import find_base, require_base
from runtime.image.bootstrap.recipe import FILES, Recipe
from runtime.image.bootstrap.sources import Entry, configured, sources
from runtime.image.ways_in import without_registry

DEB822 = """\
# the machine's own
Types: deb
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
"""
ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/etc/keys/own.gpg] https://lines.example/ubuntu noble main universe
deb-src http://sources.example/ubuntu noble main
"""


@pytest.mark.parametrize(
    ("name", "suite", "slim"),
    [
        ("debian:bookworm-slim", "bookworm", True),
        ("debian:trixie", "trixie", False),
        ("debian:12-slim", "bookworm", True),
        ("debian", "stable", False),
        ("docker.io/library/debian:stable-slim", "stable", True),
        ("ubuntu:24.04", "noble", False),
        ("ubuntu:jammy", "jammy", False),
    ],
)
def test_names_of_debian_and_ubuntu_bases_must_be_known(name: str, suite: str, slim: bool) -> None:
    """The names that Dockerfiles begin with."""
    base = require_base(name)
    assert (base.suite, base.slim) == (suite, slim)


@pytest.mark.parametrize(
    "name",
    [
        "python:3.12-slim",
        "node:20-slim",
        "ubuntu:noble-slim",
        "quay.io/debian:bookworm",
        "someone/debian:bookworm",
        "debian:12.5",
        "debian:trixie-backports-slim",  # 986 bytes, without a shell
        "debian:experimental",
        "ubuntu:noble-updates",
        "debian@sha256:" + "0" * 64,
    ],
)
def test_no_other_image_must_be_made_under_its_name(name: str) -> None:
    """What is more than packages, or somebody else's, is not imitated."""
    assert find_base(name) is None
    with pytest.raises(InvalidArgument, match="not a base image that can be made from packages"):
        require_base(name)


def test_the_machines_own_mirror_must_be_used(tmp_path: Path) -> None:
    """Both formats of apt's sources are read; what is disabled or commented out is not."""
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (parts / "debian.sources").write_text(DEB822)
    (tmp_path / "sources.list").write_text(ONE_LINE)
    entries = configured(tmp_path)
    debian = sources(require_base("debian:trixie-slim"), "", entries)
    assert [(each.uri, each.suite, each.optional) for each in debian] == [
        ("http://mirror.example/debian", "trixie", False),
        ("http://mirror.example/debian", "trixie-updates", True),
        ("http://mirror.example/debian-security", "trixie-security", True),
    ]
    ubuntu = sources(require_base("ubuntu:24.04"), "", entries)
    assert ubuntu[0] == sources(require_base("ubuntu:24.04"), "", reversed(entries))[0]
    assert ubuntu[0].line("main") == "deb [signed-by=/etc/keys/own.gpg] https://lines.example/ubuntu noble main"


def test_a_mirror_on_the_command_line_must_replace_the_machines() -> None:
    """Security updates are looked for beside it; what is no address is refused, quotes and all."""
    found = sources(
        require_base("debian:bookworm"), "http://own.example/debian/", [Entry("http://m/debian", "bookworm")]
    )
    assert {each.uri for each in found} == {"http://own.example/debian", "http://own.example/debian-security"}
    for bad in ("own.example", "http://x y", "ftp://x/debian", "http://x/]; rm", "-oX=y"):
        with pytest.raises(InvalidArgument, match="not a mirror's address"):
            sources(require_base("debian:bookworm"), bad, [])


def test_unstable_must_be_asked_for_no_updates() -> None:
    """It has no suites of updates."""
    assert [each.suite for each in sources(require_base("debian:sid"), "", [])] == ["sid"]


def _recipe(name: str, *packages: str) -> Recipe:
    base = require_base(name)
    return Recipe(base, sources(base, "http://m.example/debian", []), packages=packages)


def test_a_slim_image_must_leave_documentation_out() -> None:
    """dpkg's rules are used for the making and stay in the image, so that later packages obey them, too."""
    slim, full = _recipe("debian:bookworm-slim"), _recipe("debian:bookworm")
    assert "path-exclude=/usr/share/man/*" in slim.files()["etc/dpkg/dpkg.cfg.d/docker"]
    assert f"--dpkgopt={FILES}/etc/dpkg/dpkg.cfg.d/docker" in slim.arguments([])
    assert "etc/dpkg/dpkg.cfg.d/docker" not in full.files()
    assert not any("docker" in argument for argument in full.arguments([]) if argument.startswith("--dpkgopt"))


def test_a_recipe_must_be_another_when_anything_asked_for_is() -> None:
    """That is how a second run knows that there is nothing to do."""
    digests = {
        _recipe("debian:bookworm-slim").digest(None),
        _recipe("debian:bookworm-slim").digest(0),
        _recipe("debian:bookworm").digest(None),
        _recipe("debian:trixie-slim").digest(None),
        _recipe("debian:bookworm-slim", "curl").digest(None),
    }
    assert len(digests) == 5
    assert _recipe("debian:bookworm", "a", "b").digest(None) == _recipe("debian:bookworm", "b", "a").digest(None)


def test_an_image_must_say_that_it_is_not_the_official_one() -> None:
    """Its labels name the mirror and the tool."""
    config = _recipe("debian:bookworm-slim", "curl").config("bookworm", {"x": "y"})
    assert config.command == ("bash",)
    assert config.environment == ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)
    assert "not the official image" in config.labels["org.opencontainers.image.description"]
    assert "with curl" in config.labels["org.opencontainers.image.description"]
    assert config.labels["x"] == "y"


def test_a_base_that_no_registry_gives_must_come_with_a_way_out() -> None:
    """For `debian:trixie-slim` the command to type; for others what brings images in from files."""
    assert without_registry("debian:trixie-slim").startswith("`pycompose image bootstrap debian:trixie-slim` makes it")
    for other in ("python:3.12-slim", "registry.example/debian:trixie", "Not A Name"):
        assert (
            without_registry(other) == "without a registry, `image load` and `image import` bring images in from files"
        )
