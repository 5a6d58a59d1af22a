"""Images: everything about them that asks nothing of containers.

A third door beside the engine, for the commands that build, move and remove images: it leaves containers, volumes and
the network's controller unimported, which is half of what a build would cost that finds everything in its cache.
"""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.api import BootstrapListener, Bootstrapper, Builder, BuildListener, Distribution, TransferListener
from runtime.errors import PermissionDenied, Unsupported
from runtime.image.store import ImageStore
from runtime.paths import Paths, default_paths
from runtime.sessions import Sessions
from runtime.state import plans
from runtime.state.database import Database
from runtime.supervisor.client import Supervisors
from schemas.dataclass import dataclass
from schemas.engine.records import ImageRecord

if TYPE_CHECKING:
    from runtime.network.controller import NetworkController
    from schemas.engine.bootstraps import BootstrapSpec
    from schemas.engine.builds import BuildCheck, BuildSpec, BuiltImage
    from schemas.engine.storage import CachePruning, ImageDetails, PrunedCache, PrunedImages
    from schemas.engine.transfers import PulledImage, PushedImage

Networks = Callable[[], "NetworkController"]
Registries = Callable[[], Distribution]


@dataclass(frozen=True, slots=True)
class Makers:
    """What makes those parts of a runtime that few commands need, when one first does.

    `distribution` is the client of registries, since its HTTP library is not for commands that need none; `builder` and
    `bootstrapper` make images, and base images; `networks` is for builds in a runtime without an engine.
    """

    distribution: Callable[[Database, ImageStore], Distribution] | None = None
    builder: Callable[[Database, Paths, ImageStore, Networks, Registries], Builder] | None = None
    bootstrapper: Callable[[ImageStore], Bootstrapper] | None = None
    networks: "Callable[[Database, Paths], NetworkController] | None" = None


def open_images(paths: Paths | None = None, makers: Makers | None = None) -> "Images":
    """Return the user's images. Raises PermissionDenied without the rights it needs."""
    paths = permitted(paths)
    database = Database(paths.database)
    return Images(paths, database, Supervisors(paths), ImageStore(database, paths), makers or Makers())


def permitted(paths: Paths | None) -> Paths:
    """Return the directories to work in. Raises PermissionDenied without the rights that any change needs."""
    if os.geteuid() != 0:
        raise PermissionDenied(
            "pycompose makes namespaces, mounts and bridges, which needs root",
            hint="run it with sudo; rootless containers come with a later version",
        )
    return paths or default_paths()


class Images(Sessions):
    """Everything that changes images; reading and sessions are inherited."""

    def __init__(
        self, paths: Paths, database: Database, supervisors: Supervisors, store: ImageStore, makers: Makers
    ) -> None:
        super().__init__(paths, database, supervisors)
        self.store = store
        self._makers = makers
        self._lock = threading.Lock()
        self._opened_distribution: Distribution | None = None
        self._opened_networks: NetworkController | None = None
        self._opened_builder: Builder | None = None

    def plan(self, key: str) -> str | None:
        """Return what `keep_plan` was given."""
        return plans.find(self.database.read(), key)

    def keep_plan(self, key: str, text: str) -> None:
        """Keep a text under a key."""
        with self.database.transaction() as connection:
            plans.keep(connection, key, text)

    def import_image(self, archive: Path, reference: str, *, changes: Sequence[str] = ()) -> ImageRecord:
        """Make an image of one layer from a tar of a root file system."""
        return self.store.import_tar(archive, reference, changes)

    def load_images(self, archive: Path) -> list[ImageRecord]:
        """Load every image of an OCI or Docker archive."""
        return self.store.load(archive)

    def save_images(self, references: Sequence[str], target: Path, *, gzipped: bool = False) -> None:
        """Write images into one archive, Docker's and OCI's at once."""
        self.store.save(references, target, gzipped=gzipped)

    def tag_image(self, source: str, reference: str) -> ImageRecord:
        """Let another name lead to an image."""
        return self.store.tag(source, reference)

    def pull_image(
        self, reference: str, *, platform: str = "", listener: TransferListener | None = None
    ) -> "PulledImage":
        """Fetch an image from its registry."""
        return self._distribution().pull(reference, platform, listener)

    def push_image(self, reference: str, *, listener: TransferListener | None = None) -> "PushedImage":
        """Let a name of a registry lead to the image that it leads to here."""
        return self._distribution().push(reference, listener)

    def build_image(self, spec: "BuildSpec", *, listener: BuildListener | None = None) -> "BuiltImage":
        """Build an image from a Dockerfile, and let its names lead to it."""
        return self._builder().build(spec, listener)

    def check_build(self, spec: "BuildSpec") -> "BuildCheck":
        """Look a Dockerfile over without building."""
        return self._builder().check(spec)

    def bootstrap_image(self, spec: "BootstrapSpec", listener: BootstrapListener) -> ImageRecord:
        """Make a base image from the packages of a mirror."""
        if self._makers.bootstrapper is None:
            raise Unsupported("this engine was opened without a maker of base images")
        return self._makers.bootstrapper(self.store).bootstrap(spec, listener)

    def image_details(self, reference: str) -> "ImageDetails":
        """Return an image with its documents."""
        return self.store.details(reference)

    def prune_builds(self, wanted: "CachePruning") -> "PrunedCache":
        """Remove what builds keep."""
        return self._builder().prune(wanted)

    def prune_images(self, wanted: Callable[[ImageRecord], bool]) -> "PrunedImages":
        """Remove the images that are `wanted` and that no container uses."""
        return self.store.prune(wanted)

    def remove_image(self, reference: str, *, force: bool = False) -> list[str]:
        """Untag, and delete when it was the last tag."""
        return self.store.remove(reference, force=force)

    def close(self) -> None:
        """Release descriptors and connections."""
        if self._opened_distribution is not None:
            self._opened_distribution.close()
        if self._opened_networks is not None:
            self._opened_networks.close()
        super().close()

    def _networks(self) -> "NetworkController":
        """Return the controller of networks for what a build runs."""
        with self._lock:
            if self._opened_networks is None:
                if self._makers.networks is None:
                    raise Unsupported("this runtime was opened without networks")
                self._opened_networks = self._makers.networks(self.database, self.paths)
            return self._opened_networks

    def _distribution(self) -> Distribution:
        with self._lock:
            if self._opened_distribution is None:
                if self._makers.distribution is None:
                    raise Unsupported("this engine was opened without a client of registries")
                self._opened_distribution = self._makers.distribution(self.database, self.store)
            return self._opened_distribution

    def _builder(self) -> Builder:
        """Return the one builder: builds at the same time take from one another what they have in common."""
        with self._lock:
            if self._opened_builder is None:
                if self._makers.builder is None:
                    raise Unsupported("this engine was opened without a builder")
                self._opened_builder = self._makers.builder(
                    self.database, self.paths, self.store, self._networks, self._distribution
                )
            return self._opened_builder
