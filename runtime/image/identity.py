"""Digests and the identities made of them (OCI image-spec, config.md: DiffID, ChainID, ImageID)."""

import hashlib
import re
from collections.abc import Iterable

from runtime.errors import InvalidArgument
from schemas.engine.identifiers import ChainID, DiffID, Digest, ImageID

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def digest_of(content: bytes) -> Digest:
    """Return the digest of a whole blob."""
    return Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")


def image_id(configuration: bytes) -> ImageID:
    """Return the id of the image with this configuration document, byte for byte."""
    return ImageID(digest_of(configuration))


def chain_ids(diff_ids: Iterable[DiffID]) -> list[ChainID]:
    """Return, for each layer from the lowest, the identity of it on top of those below."""
    chain: list[ChainID] = []
    for diff_id in diff_ids:
        chain.append(ChainID(digest_of(f"{chain[-1]} {diff_id}".encode())) if chain else ChainID(diff_id))
    return chain


def checked_digest(text: str) -> Digest:
    """Return a digest that a stranger wrote. Raises InvalidArgument: it names a file."""
    if not _DIGEST.fullmatch(text):
        raise InvalidArgument(f"not a sha256 digest: `{text:.100}`")
    return Digest(text)


def hexadecimal(digest: str) -> str:
    """Return the digits alone, for a file name. Raises InvalidArgument."""
    return checked_digest(digest).removeprefix("sha256:")
