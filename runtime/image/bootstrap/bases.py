"""Which image names mean a base that can be made from packages: `debian:bookworm-slim`, `ubuntu:24.04`. Pure.

`python`, `node` and other images are more than packages, and none is made under their names: see
docs/decisions/0018-base-images-from-packages.md.
"""

import re
from collections.abc import Mapping

from runtime.errors import InvalidArgument
from runtime.image.reference import DEFAULT_DOMAIN, DEFAULT_NAMESPACE, parse
from schemas.dataclass import dataclass

_SUITE = re.compile(r"[a-z][a-z0-9-]*")
_SLIM = "-slim"
_ADDITION = re.compile(
    r".*-(backports|backports-sloppy|updates|security|proposed|proposed-updates)|experimental|rc-buggy"
)
"""Suites that add packages to another one: made of them alone, an image would have next to no file."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """What has to be known of a distribution to make an image of it."""

    name: str
    title: str
    mirror: str
    security_mirror: str
    security_suite: str
    """Name of the suite with security updates; `{}` is the suite's."""
    components: str
    keyring: str
    keyring_package: str
    command: str
    versions: Mapping[str, str]
    """Tags that are not suites, and the suite they mean."""
    rolling: frozenset[str] = frozenset()
    """Suites without updates of their own."""


@dataclass(frozen=True, slots=True)
class Base:
    """A base image that can be made."""

    distribution: Distribution
    suite: str
    slim: bool
    """Without documentation, manual pages and translations, as Debian's `-slim` images are."""


DEBIAN = Distribution(
    name="debian",
    title="Debian",
    mirror="http://deb.debian.org/debian",
    security_mirror="http://deb.debian.org/debian-security",
    security_suite="{}-security",
    components="main",
    keyring="/usr/share/keyrings/debian-archive-keyring.gpg",
    keyring_package="debian-archive-keyring",
    command="bash",
    versions={"latest": "stable", "11": "bullseye", "12": "bookworm", "13": "trixie"},
    rolling=frozenset({"sid", "unstable"}),
)
UBUNTU = Distribution(
    name="ubuntu",
    title="Ubuntu",
    mirror="http://archive.ubuntu.com/ubuntu",
    security_mirror="http://security.ubuntu.com/ubuntu",
    security_suite="{}-security",
    components="main restricted universe multiverse",
    keyring="/usr/share/keyrings/ubuntu-archive-keyring.gpg",
    keyring_package="ubuntu-keyring",
    command="/bin/bash",
    versions={"latest": "noble", "20.04": "focal", "22.04": "jammy", "24.04": "noble"},
)
_DISTRIBUTIONS = {each.name: each for each in (DEBIAN, UBUNTU)}
EXAMPLE = "debian:bookworm-slim"


def find_base(text: str) -> Base | None:
    """Return the base that an image reference means, None for all others. Raises InvalidArgument for no reference."""
    reference = parse(text).with_default_tag()
    namespace, _, name = reference.path.partition("/")
    distribution = _DISTRIBUTIONS.get(name)
    if distribution is None or (reference.domain, namespace) != (DEFAULT_DOMAIN, DEFAULT_NAMESPACE):
        return None
    if reference.digest:
        return None  # content that somebody else made
    tag = reference.tag.removesuffix(_SLIM)
    slim = tag != reference.tag
    if slim and distribution is not DEBIAN:
        return None
    suite = distribution.versions.get(tag, tag)
    is_whole = _SUITE.fullmatch(suite) and not _ADDITION.fullmatch(suite)
    return Base(distribution, suite, slim) if is_whole else None


def require_base(text: str) -> Base:
    """Return the base that a reference means. Raises InvalidArgument when it means none."""
    base = find_base(text)
    if base is None:
        raise InvalidArgument(
            f"`{text}` is not a base image that can be made from packages",
            hint="`debian:SUITE`, `debian:SUITE-slim` and `ubuntu:SUITE` are; others are built on them:"
            f" `FROM {EXAMPLE}` and `RUN apt-get install …`",
        )
    return base
