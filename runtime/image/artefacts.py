"""Artefacts that are no images, read from registries and put there: no store, no rights."""

import functools
import io
from collections.abc import Mapping, Sequence

from runtime.errors import InvalidArgument, Unavailable
from runtime.image.reference import parse
from runtime.image.remote import ask, origin, sources
from runtime.registry.credentials import open_credentials
from runtime.registry.session import Session
from runtime.registry.settings import read_settings
from runtime.registry.transport import Unreachable
from schemas.oci.media_types import OCI_MANIFEST


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

    def push(self, name: str, blobs: Mapping[str, bytes], manifests: Sequence[bytes]) -> str:
        """Put blobs, by digest, and let a name lead to the first of some manifests that the registry takes.

        Returns the manifest's digest.
        """
        reference = parse(name).with_default_tag()
        if reference.digest:
            raise InvalidArgument(f"cannot publish as `{name}`: a digest is no name that can be given")
        repository = origin(self._session, reference)
        for digest, content in blobs.items():
            if not repository.has_blob(digest):
                repository.upload(digest, len(content), functools.partial(io.BytesIO, content))
        *preferred, last = manifests
        for content in preferred:
            try:
                return repository.put_manifest(reference.tag, OCI_MANIFEST, content)
            except Unreachable:
                raise
            except Unavailable:
                # A registry that does not know this form says so in many ways.
                continue
        return repository.put_manifest(reference.tag, OCI_MANIFEST, last)
