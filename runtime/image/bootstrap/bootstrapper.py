"""Makes base images: decides whether there is anything to do, lets mmdebstrap do it, takes in what it writes.

What mmdebstrap makes and mounts is in a mount namespace of its own, below a scratch folder of the store: a
command that is killed leaves that folder, without anything mounted, and the next collection removes it.
"""

import os
import re
from dataclasses import replace
from pathlib import Path

from runtime.api import BootstrapListener
from runtime.errors import InvalidArgument, NotFound, Unsupported
from runtime.image.bootstrap import release
from runtime.image.bootstrap.bases import require_base
from runtime.image.bootstrap.making import Making
from runtime.image.bootstrap.programs import require
from runtime.image.bootstrap.recipe import RECIPE, RELEASES, VARIANTS, Recipe
from runtime.image.bootstrap.sources import configured, sources
from runtime.image.platforms import format_platform, own_platform, parse_platform
from runtime.image.reference import parse
from runtime.image.store import ImageStore, named_errors
from runtime.syscall.tree import remove_tree
from schemas.engine.bootstraps import BootstrapSpec
from schemas.engine.records import ImageRecord

_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?(?:=[A-Za-z0-9.+:~-]+)?")
_EPOCH = "SOURCE_DATE_EPOCH"


class Bootstrapper:
    """Makes base images in one store."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    def bootstrap(self, spec: BootstrapSpec, listener: BootstrapListener) -> ImageRecord:
        """Return the base image, made from packages unless it is there already.

        Call from the main thread. Raises InvalidArgument, NotFound (suite, program, keyring), Unavailable (mirror),
        Unsupported, ResourceExhausted, Cancelled.
        """
        _require_own(spec.platform)
        recipe = _recipe(spec)
        names = spec.references or (spec.base,)
        epoch_s = _asked_epoch_s()
        identity = recipe.digest(epoch_s)
        known = self._known({RECIPE: identity})
        if known is not None and not spec.refresh:
            return self._named(known, names)
        _require_programs(recipe)
        with named_errors("bootstrap"), self._store.lease():
            scratch = self._store.blobs.scratch()
            try:
                listener.on(f"asking {recipe.sources[0].uri}")
                found = release.fetch(recipe.sources, scratch)
                known = self._known({RECIPE: identity, RELEASES: found.digest})
                if known is None:
                    epoch_s = found.epoch_s if epoch_s is None else epoch_s
                    making = Making(self._store, replace(recipe, sources=found.sources), scratch, listener)
                    known = making.perform(found, {RECIPE: identity, RELEASES: found.digest}, epoch_s)
            finally:
                remove_tree(scratch)
        record = self._named(known, names)
        self._store.collect()
        return record

    def _known(self, labels: dict[str, str]) -> ImageRecord | None:
        for record in self._store.list():
            # Images built on a base have its labels, too.
            if len(record.layers) == 1 and labels.items() <= record.config.labels.items():
                return record
        return None

    def _named(self, record: ImageRecord, names: tuple[str, ...]) -> ImageRecord:
        for name in names:
            familiar = parse(name).with_default_tag().familiar
            if familiar not in record.references:
                record = self._store.tag(record.id, name)
        return record


def _require_own(platform: str) -> None:
    wanted = parse_platform(platform)
    if wanted != own_platform():
        raise Unsupported(
            f"a base image is made for this machine, {format_platform(own_platform())}, not for"
            f" {format_platform(wanted)}"
        )


def _recipe(spec: BootstrapSpec) -> Recipe:
    base = require_base(spec.base)
    if spec.variant not in VARIANTS:
        raise InvalidArgument(f"there is no variant `{spec.variant}`", hint=f"there are {', '.join(VARIANTS)}")
    for package in spec.packages:
        if not _PACKAGE.fullmatch(package):
            raise InvalidArgument(f"`{package}` is not a package's name")
    return Recipe(base, sources(base, spec.mirror, configured()), spec.variant, spec.packages)


def _require_programs(recipe: Recipe) -> None:
    require("mmdebstrap", "mmdebstrap")
    require("unshare", "util-linux")
    if recipe.base.slim:
        require("python3", "python3")  # mmtarfilter is written in it
    for source in recipe.sources:
        if not Path(source.signed_by).is_file():
            package = recipe.base.distribution.keyring_package
            raise NotFound(
                f"no keys to check {source.uri} with: `{source.signed_by}` is not there",
                hint=f"`apt-get install {package}`",
            )


def _asked_epoch_s() -> int | None:
    text = os.environ.get(_EPOCH, "")
    if text and not text.isdecimal():
        raise InvalidArgument(f"`{_EPOCH}` is not a number of seconds: `{text}`")
    return int(text) if text else None
