"""Artefacts that are no images, read from registries and put there: no store, no rights."""

from runtime.image.reference import parse
from runtime.image.remote import ask, sources
from runtime.registry.credentials import open_credentials
from runtime.registry.session import Session
from runtime.registry.settings import read_settings


class RemoteArtefacts:
    """Asks registries, their mirrors first.

    Everything here raises NotFound, PermissionDenied, Unavailable and InvalidArgument.
    """

    def __init__(self) -> None:
        """Raises InvalidArgument for settings that are wrong."""
        self._session = Session(read_settings(), open_credentials())

    def manifest(self, name: str, digest: str = "") -> tuple[str, bytes]:
        """Return digest and content of what a name leads to, or of the manifest `digest` in the same repository."""
        reference = parse(name).with_default_tag()
        wanted = digest or reference.digest or reference.tag
        document = ask(sources(self._session, reference), lambda repository: repository.manifest(wanted))
        return document.digest, document.content

    def blob(self, name: str, digest: str, size_bytes: int) -> bytes:
        """Return a blob of the repository, verified."""
        return ask(sources(self._session, parse(name)), lambda repository: repository.document(digest, size_bytes))
