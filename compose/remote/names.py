"""What the name of a file tells by itself: whether it is elsewhere, whether it was fetched.

Every load asks, so this imports next to nothing.
"""

import os
import re
from collections.abc import Mapping

GIT, OCI = "git", "oci"
"""Kinds of remote files; each has a folder in the cache."""

_CACHE = "pycompose"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SCP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*@[A-Za-z0-9][A-Za-z0-9.-]*:")

_BARE_GITHUB = "github.com/"
"""docker compose takes this for a repository, whatever there is on the disk."""


def is_remote(name: str) -> bool:
    """Whether a file's name means something that is no path of this machine."""
    return bool(_SCHEME.match(name) or _SCP.match(name)) or name.startswith(_BARE_GITHUB)


def cache_folder(environment: Mapping[str, str]) -> str:
    """The folder of what is fetched (https://specifications.freedesktop.org/basedir-spec). It need not exist."""
    base = environment.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        home = environment.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - str in, str out: no Path built
        base = f"{home}/.cache"
    return os.path.normpath(f"{base}/{_CACHE}")


def root_of(path: str, folder: str) -> str:
    """The fetched tree in a cache folder that a clean, absolute path lies in; empty where it lies in none."""
    below = path.removeprefix(f"{folder}/")
    kind, _, inner = below.partition("/")
    return f"{folder}/{kind}/{inner.split('/')[0]}" if below != path and kind in (GIT, OCI) and inner else ""
