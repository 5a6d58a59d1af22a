"""Platforms, `os/architecture[/variant]`, and which image of an index runs on one (OCI image-spec, image-index.md)."""

import re
from collections.abc import Iterable

from runtime.errors import InvalidArgument
from runtime.image.machine import machine_architecture
from schemas.oci.image import Descriptor, Platform
from schemas.oci.media_types import ATTESTATION

# fmt: off
_SYSTEMS = frozenset((
    "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd",
    "openbsd", "plan9", "solaris", "windows", "zos",
))
_ARCHITECTURES = frozenset((
    "386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "ppc64", "ppc64le", "loong64", "mips", "mipsle",
    "mips64", "mips64le", "mips64p32", "mips64p32le", "ppc", "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64",
    "wasm",
))
# fmt: on
_OTHER_NAMES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "armhf": "arm",
    "armel": "arm",
    "i386": "386",
    "i686": "386",
}
_IMPLIED_VARIANTS = {"armel": "v6"}
_PLAIN_VARIANTS = {("amd64", "v1"): "", ("arm64", "v8"): "", ("arm64", "8"): "", ("arm", "7"): "v7", ("arm", "6"): "v6"}
_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_VARIANTS = {"arm64": "v8", "arm": "v7"}
"""What an architecture means where no variant is given."""


def parse_platform(text: str) -> Platform:
    """Return a platform from what a user wrote; empty is this machine. Raises InvalidArgument.

    A lone word is a system or an architecture (containerd/platforms, Parse).
    """
    if not text:
        return own_platform()
    parts = text.lower().split("/")
    if len(parts) > 3 or not all(_WORD.fullmatch(part) for part in parts):
        raise InvalidArgument(f"`{text}` is not a platform", hint="it is written as `linux/arm64` or `linux/arm/v7`")
    if len(parts) == 1:
        if parts[0] in _SYSTEMS:
            return Platform(parts[0], machine_architecture())
        if _OTHER_NAMES.get(parts[0], parts[0]) not in _ARCHITECTURES:
            raise InvalidArgument(f"`{text}`: unknown operating system or architecture")
        parts = ["linux", parts[0]]
    system, name, *variants = parts
    architecture = _OTHER_NAMES.get(name, name)
    variant = variants[0] if variants else _IMPLIED_VARIANTS.get(name, "")
    return Platform(system, architecture, _PLAIN_VARIANTS.get((architecture, variant), variant))


def own_platform() -> Platform:
    """Return this machine's."""
    return Platform("linux", machine_architecture())


def format_platform(platform: Platform) -> str:
    """Return `os/architecture[/variant]`."""
    return "/".join(part for part in (platform.os, platform.architecture, platform.variant) if part)


def candidates(entries: Iterable[Descriptor], wanted: Platform) -> list[Descriptor]:
    """Return the images that run on a platform, the best first; one without a platform comes last."""
    ranked = []
    for entry in entries:
        if ATTESTATION in entry.annotations:
            continue
        rank = 100 if entry.platform is None else _rank(entry.platform, wanted)
        if rank is not None:
            ranked.append((rank, entry))
    return [entry for _, entry in sorted(ranked, key=lambda pair: pair[0])]


def _rank(offered: Platform, wanted: Platform) -> int | None:
    """Return how far an image is from what is wanted; None when it does not run there."""
    if (offered.os, _OTHER_NAMES.get(offered.architecture, offered.architecture)) != (wanted.os, wanted.architecture):
        return None
    usual = _VARIANTS.get(wanted.architecture, "")
    has, wants = _level(offered.variant or usual), _level(wanted.variant or usual)
    # A newer processor runs what was built for an older one, not the other way round.
    return wants - has if has <= wants else None


def _level(variant: str) -> int:
    digits = variant.removeprefix("v")
    return int(digits) if digits.isdecimal() and len(digits) < 3 else 0
