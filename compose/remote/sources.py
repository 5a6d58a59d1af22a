"""Remote Compose files as the loader sees them: a reference goes in, the name of a local copy comes out."""

import os
import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from compose.errors import RemoteError
from compose.remote.cache import Cache
from compose.remote.names import GIT, OCI
from compose.remote.oci import Artefacts, OciLoader
from runtime.errors import EngineError
from runtime.git.client import Git
from runtime.git.reference import parse, without_password
from schemas.booleans import BOOLEANS

SWITCHES = {GIT: "COMPOSE_EXPERIMENTAL_GIT_REMOTE", OCI: "COMPOSE_EXPERIMENTAL_OCI_REMOTE"}


class RemoteLoader(Protocol):
    """Fetches what is behind one kind of reference."""

    def fetch(self, text: str, *, by_fetched: bool) -> tuple[str, str]:
        """The folder of the local copy, and the file or folder meant in it. Raises RemoteError.

        `by_fetched`: the reference was found in a file that was itself fetched.
        """


class GitLoader:
    """Compose files in git repositories."""

    def __init__(self, cache: Cache, environment: Mapping[str, str], tell_waiting: Callable[[str], None]) -> None:
        self._cache = cache
        self._git = Git(environment, tell_waiting)

    def fetch(self, text: str, *, by_fetched: bool) -> tuple[str, str]:
        """Raises RemoteError."""
        try:
            reference = parse(text)
            if by_fetched and reference.protocol == "file":
                raise RemoteError(f"{text}: a fetched file must not lead back to files of this machine")
            found = self._git.resolve(reference)
            root = self._cache.tree(found.commit, lambda folder: self._git.fetch(reference, found, folder))
        except EngineError as error:
            raise RemoteError(error.message, hint=error.hint) from None
        return root, reference.subdirectory


def open_sources(
    folder: str,
    environment: Mapping[str, str],
    names: Sequence[str],
    tell_waiting: Callable[[str], None],
    artefacts: Callable[[], Artefacts],
) -> "RemoteSources":
    """The remote files of one run, fetched below `folder`; `tell_waiting` is called where that takes its time.

    `artefacts` opens registries when the first one is asked.
    """
    loaders: dict[str, RemoteLoader] = {
        GIT: GitLoader(Cache(f"{folder}/{GIT}"), environment, tell_waiting),
        OCI: OciLoader(Cache(f"{folder}/{OCI}"), artefacts, tell_waiting),
    }
    return RemoteSources(loaders, {kind: environment.get(switch, "") for kind, switch in SWITCHES.items()}, names)


class RemoteSources:
    """All remote files of one run; each reference is fetched once."""

    def __init__(self, loaders: Mapping[str, RemoteLoader], switches: Mapping[str, str], names: Sequence[str]) -> None:
        self.folders: dict[str, str] = {}
        """Each reference, as it may be shown, and the folder of its local copy."""
        self._loaders = loaders
        self._switches = switches
        self._names = names
        """Names of Compose files, the best first."""
        self._known: dict[tuple[str, bool], str] = {}

    def local_copy(self, reference: str, *, by_fetched: bool) -> str:
        """The Compose file that a reference means, as an absolute path. Raises RemoteError."""
        key = (reference, by_fetched)
        if key not in self._known:
            kind = OCI if reference.lower().startswith(f"{OCI}://") else GIT
            root, inner = self._fetch(kind, reference, by_fetched=by_fetched)
            self._known[key] = self._file(root, inner, reference)
            self.folders[without_password(reference)] = root
        return self._known[key]

    def _fetch(self, kind: str, reference: str, *, by_fetched: bool) -> tuple[str, str]:
        """Raises RemoteError, also where this kind of source is switched off."""
        switch, name = self._switches[kind], SWITCHES[kind]
        is_on = BOOLEANS.get(switch)
        if is_on is False:
            raise RemoteError(f"{without_password(reference)}: {kind} sources are switched off by {name}")
        if switch and is_on is None:
            raise RemoteError(f"{name} is a boolean, not `{switch}`", hint="`true` or `false`")
        return self._loaders[kind].fetch(reference, by_fetched=by_fetched)

    def _file(self, root: str, inner: str, reference: str) -> str:
        shown = without_password(reference)
        path = posixpath.join(root, inner) if inner else root
        candidates = [posixpath.join(path, name) for name in self._names] if os.path.isdir(path) else [path]  # noqa: PTH112
        found = next((each for each in candidates if os.path.isfile(each)), None)  # noqa: PTH113
        if found is None:
            where = f"`{inner}`" if inner else "its first folder"
            raise RemoteError(f"{shown}: no Compose file in {where}", hint=f"looked for {', '.join(self._names)}")
        if not os.path.realpath(found).startswith(os.path.realpath(root) + "/"):
            raise RemoteError(f"{shown}: `{inner or posixpath.basename(found)}` is a link that leaves the repository")
        return found
