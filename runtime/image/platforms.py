"""Platforms, `os/architecture[/variant]`, and which image of an index runs on one (OCI image-spec, image-index.md)."""

import re
from collections.abc import Iterable

from runtime.errors import InvalidArgument
from runtime.image.machine import machine_architecture
from schemas.oci.image import Descriptor, Platform
from schemas.oci.media_types import ATTESTATION

_OTHER_NAMES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "armhf": "arm",
    "armel": "arm",
    "i386": "386",
    "i686": "386",
}
_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_VARIANTS = {"arm64": "v8", "arm": "v7"}
"""What an architecture means where no variant is given."""


def parse_platform(text: str) -> Platform:
    """Return a platform from what a user wrote; empty is this machine. Raises InvalidArgument."""
    if not text:
        return Platform("linux", machine_architecture())
    parts = text.lower().split("/")
    if len(parts) == 1:
        # As containerd has it: a lone word is a system or an architecture.
        parts = [parts[0], machine_architecture()] if parts[0] in ("linux", "windows") else ["linux", parts[0]]
    if len(parts) > 3 or not all(_WORD.fullmatch(part) for part in parts):
        raise InvalidArgument(f"`{text}` is not a platform", hint="it is written as `linux/arm64` or `linux/arm/v7`")
    system, architecture, *variant = parts
    return Platform(system, _OTHER_NAMES.get(architecture, architecture), variant[0] if variant else "")


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
