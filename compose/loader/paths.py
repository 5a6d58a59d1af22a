"""Relative paths of the model made absolute. Source: compose-go, paths/resolve.go."""

import posixpath
from collections.abc import Callable
from typing import Any

from compose.loader.problem import Path, Problem
from compose.loader.source import SourceReader
from compose.loader.tree_path import Branch, Change, Tree, rewrite, table
from compose.remote.names import is_remote

_REMOTE = ("https://", "http://", "git://", "ssh://", "github.com/", "git@", "service:")


def resolve_paths(tree: Tree, base: str, home: str | None, reader: SourceReader) -> None:
    """Join, in place, every relative path to `base`; `~` is `home`. Raises Problem."""
    rewrite(tree, _rules(_Resolver(base, home, reader)))


def join(base: str, path: str) -> str:
    """`base/path`, cleaned; a relative base stays relative."""
    return posixpath.normpath(posixpath.join(base, path))


class _Resolver:
    """The rules, with what they resolve against."""

    def __init__(self, base: str, home: str | None, reader: SourceReader) -> None:
        self._base = base
        self._home = home
        self._reader = reader

    def absolute(self, value: Any, _: Path) -> Any:
        """A path of the host."""
        if not isinstance(value, str) or not value:
            return value
        value = self._expand(value)
        return value if value.startswith("/") else join(self._base, value)

    def maybe_windows(self, value: Any, _: Path) -> Any:
        """As absolute, but a Windows path, for an engine there, stays."""
        if not isinstance(value, str):
            return value
        if value[1:3] in (":\\", ":/") or value.startswith("\\\\"):
            return value
        expanded = self._expand(value)
        return expanded if expanded.startswith("/") else join(self._base, expanded)

    def context(self, value: Any, path: Path) -> Any:
        """A build context: a path, a URL or `service:name`."""
        if not isinstance(value, str) or "://" in value or value.startswith(_REMOTE):
            return value
        return self.absolute(value, path)

    def extended(self, value: Any, path: Path) -> Any:
        """A Compose file, which may be elsewhere."""
        return value if isinstance(value, str) and is_remote(value) else self.absolute(value, path)

    def watched(self, value: Any, path: Path) -> Any:
        """A watched path, without symbolic links."""
        resolved = self.absolute(value, path)
        return self._reader.real_path(resolved) if isinstance(resolved, str) and resolved.startswith("/") else resolved

    def mount(self, value: Any, path: Path) -> Any:
        """A bind mount's source."""
        if isinstance(value, dict) and value.get("type") == "bind":
            if "source" not in value:
                message = 'invalid mount config for type "bind": field Source must not be empty'
                raise Problem(message, path, hint="`source:` names the host path")
            value["source"] = self.maybe_windows(value["source"], path)
        return value

    def volume(self, value: Any, path: Path) -> Any:
        """The device of a local volume that is a bind mount."""
        if isinstance(value, dict) and value.get("driver") == "local":
            options = value.get("driver_opts")
            if isinstance(options, dict) and options.get("o") == "bind" and "device" in options:
                options["device"] = self.maybe_windows(options["device"], path)
        return value

    def _expand(self, path: str) -> str:
        return join(self._home, path[1:].lstrip("/")) if path.startswith("~") and self._home else path


def _rules(resolver: _Resolver) -> Branch[Change]:
    rules: dict[str, Callable[[Any, Path], Any]] = {
        "services.*.build.context": resolver.context,
        "services.*.build.additional_contexts.*": resolver.context,
        "services.*.build.ssh.*": resolver.maybe_windows,
        "services.*.env_file.*.path": resolver.absolute,
        "services.*.label_file.*": resolver.absolute,
        "services.*.extends.file": resolver.extended,
        "services.*.develop.watch.*.path": resolver.watched,
        "services.*.volumes.*": resolver.mount,
        "configs.*.file": resolver.maybe_windows,
        "secrets.*.file": resolver.maybe_windows,
        "volumes.*": resolver.volume,
    }
    return table(rules)
