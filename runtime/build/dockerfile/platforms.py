"""Platforms as people write them: `linux/amd64`, `arm64`, `linux/arm/v7` (containerd/platforms, platforms.go)."""

import re

from runtime.image.machine import machine_architecture
from schemas.oci.image import Platform

_OS = re.compile(r"([A-Za-z0-9_-]+)(?:\([A-Za-z0-9_.%+-]*\))?")
_COMPONENT = re.compile(r"[A-Za-z0-9_.-]+")
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
_SYNONYMS = {
    "i386": ("386", ""),
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
_VARIANTS = {
    ("amd64", "v1"): "",
    ("arm64", "8"): "",
    ("arm64", "v8"): "",
    ("arm", "v7"): "",
    ("arm", "7"): "",
    ("arm", "5"): "v5",
    ("arm", "6"): "v6",
    ("arm", "8"): "v8",
}


def parse_platform(text: str) -> Platform:
    """Return a platform. Raises ValueError for what cannot be one."""
    first, *rest = text.split("/")
    match = _OS.fullmatch(first)
    if match is None or len(rest) > 2 or not all(_COMPONENT.fullmatch(part) for part in rest):
        raise ValueError(f"`{text}` is not a platform such as `linux/amd64`")
    system = {"macos": "darwin"}.get(match[1].lower(), match[1].lower())
    if rest:
        return Platform(system, *_normal(rest[0], rest[1] if len(rest) == 2 else ""))
    if system in _SYSTEMS:
        return Platform(system, machine_architecture())
    name, variant = _normal(first, "")
    if name not in _ARCHITECTURES:
        raise ValueError(f"`{text}`: unknown operating system or architecture")
    return Platform("linux", name, variant)


def format_platform(platform: Platform) -> str:
    """Return `os/architecture[/variant]`."""
    parts = (platform.os, platform.architecture, platform.variant)
    return "/".join(part for part in parts if part)


def own_platform() -> Platform:
    """Return this machine's."""
    return Platform("linux", machine_architecture())


def _normal(name: str, variant: str) -> tuple[str, str]:
    name, variant = name.lower(), variant.lower()
    if name in _SYNONYMS:
        name, implied = _SYNONYMS[name]
        variant = variant or implied
    return name, _VARIANTS.get((name, variant), variant)
