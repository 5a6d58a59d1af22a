"""Caches that a service's build shares with other machines: `cache_from` and `cache_to`. Pure.

An entry is as buildx reads it: CSV of `name=value`, or names of images alone (`type=registry`).
"""

import csv
import os
from collections.abc import Iterator, Mapping

from compose.errors import ProjectError
from schemas.composefile.service import ServiceConfig
from schemas.engine.builds import CacheKind, CacheSource, CacheTarget

_SERVICES = frozenset({"azblob", "gha", "s3"})
"""Caches of cloud services, for which there is no client here."""
_PACKED = ("compression", "compression-level", "force-compression")
_MODES = ("min", "max")
_TRUE = frozenset({"1", "t", "true"})


def cache_sources(service: ServiceConfig, folder: str) -> tuple[CacheSource, ...]:
    """Return the caches to find steps in; relative paths begin in `folder`. Raises ProjectError."""
    found = []
    for entry in _entries(service, "cache_from"):
        kind = _kind(service, "cache_from", entry, (CacheKind.REGISTRY, CacheKind.LOCAL))
        if kind is CacheKind.REGISTRY:
            found.append(CacheSource(kind, _required(service, "cache_from", entry, "ref")))
        elif kind is CacheKind.LOCAL:
            place = _path(folder, _required(service, "cache_from", entry, "src"))
            found.append(CacheSource(kind, place, entry.get("tag") or "latest", entry.get("digest", "")))
    return tuple(dict.fromkeys(found))


def cache_targets(service: ServiceConfig, folder: str) -> tuple[CacheTarget, ...]:
    """Return where the cache is written to; relative paths begin in `folder`. Raises ProjectError."""
    found = []
    for entry in _entries(service, "cache_to"):
        kind = _kind(service, "cache_to", entry, tuple(CacheKind))
        if kind is None:
            continue
        mode = entry.get("mode") or "min"
        if mode not in _MODES:
            raise _error(service, "cache_to", f"`mode={mode}` is neither `min` nor `max`")
        place = ""
        if kind is CacheKind.REGISTRY:
            place = _required(service, "cache_to", entry, "ref")
        elif kind is CacheKind.LOCAL:
            place = _path(folder, _required(service, "cache_to", entry, "dest"))
        may_fail = entry.get("ignore-error", "").lower() in _TRUE
        found.append(CacheTarget(kind, place, entry.get("tag") or "latest", mode == "max", may_fail))
    return tuple(dict.fromkeys(found))


def cache_warnings(service: ServiceConfig) -> list[str]:
    """Return what of both has no effect here."""
    found = []
    for field in ("cache_from", "cache_to"):
        kinds = [entry["type"] for entry in _entries(service, field) if entry["type"] in _SERVICES]
        found += [
            f"services.{service.name}.build.{field}: a cache of type `{kind}` has no effect here" for kind in kinds
        ]
    for entry in _entries(service, "cache_to"):
        words = [name for name in _PACKED if name in entry and (name, entry[name]) != ("compression", "gzip")]
        if words and entry["type"] in (CacheKind.REGISTRY, CacheKind.LOCAL):
            listed = ", ".join(f"`{word}`" for word in words)
            found.append(
                f"services.{service.name}.build.cache_to: {listed} has no effect here: layers are packed with gzip"
            )
    return found


def _entries(service: ServiceConfig, field: str) -> Iterator[Mapping[str, str]]:
    values: tuple[str, ...] = getattr(service.build, field, ())
    for value in values:
        try:
            fields = next(csv.reader([value], strict=True), [])
        except csv.Error as error:
            raise _error(service, field, f"`{value}` is not valid: {error}") from error
        if not any("=" in each for each in fields):
            yield from ({"type": CacheKind.REGISTRY.value, "ref": each} for each in fields)
            continue
        pairs = [each.partition("=") for each in fields]
        if wrong := next((name for name, equals, _ in pairs if not equals), ""):
            raise _error(service, field, f"`{wrong}` of `{value}` has no value", "entries are `name=value`")
        entry = {name.strip().lower(): text for name, _, text in pairs}
        if not entry.get("type"):
            raise _error(service, field, f"`{value}` has no `type`", "`type=registry,ref=…`, `type=local,…`")
        yield entry


def _kind(
    service: ServiceConfig, field: str, entry: Mapping[str, str], kinds: tuple[CacheKind, ...]
) -> CacheKind | None:
    """Return an entry's kind, None for one that has no effect here."""
    name = entry["type"]
    if name in _SERVICES:
        return None
    if name not in kinds:
        raise _error(
            service,
            field,
            f"there is no cache of type `{name}` here",
            f"there are {', '.join(f'`{kind.value}`' for kind in kinds)}",
        )
    return CacheKind(name)


def _required(service: ServiceConfig, field: str, entry: Mapping[str, str], name: str) -> str:
    value = entry.get(name, "")
    if not value:
        raise _error(service, field, f"a cache of type `{entry['type']}` needs `{name}`")
    return value


def _path(folder: str, path: str) -> str:
    return os.path.normpath(os.path.join(folder, path))  # noqa: PTH118 - a text


def _error(service: ServiceConfig, field: str, message: str, hint: str = "") -> ProjectError:
    where = ("services", service.name, "build", field)
    return ProjectError(f"services.{service.name}.build.{field}: {message}", hint=hint, path=where)
