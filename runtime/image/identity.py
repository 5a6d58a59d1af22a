"""Digests and the identities made of them (OCI image-spec, config.md: DiffID, ChainID, ImageID)."""

import hashlib
from collections.abc import Iterable

from runtime.errors import InvalidArgument
from schemas.engine.identifiers import ChainID, DiffID, Digest, ImageID

_PREFIX = "sha256:"
_HEXADECIMAL = frozenset("0123456789abcdef")


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


def is_hexadecimal(text: str) -> bool:
    """Whether a text is lower-case hexadecimal digits and nothing else, one at least."""
    return bool(text) and _HEXADECIMAL.issuperset(text)


def is_digest(text: str) -> bool:
    """Whether a text is a whole digest."""
    return len(text) == len(_PREFIX) + 64 and text.startswith(_PREFIX) and is_hexadecimal(text[len(_PREFIX) :])


def is_identifier(text: str) -> bool:
    """Whether a text can only be an image id, or with `sha256:` the beginning of one: no name looks so."""
    digits = text.removeprefix(_PREFIX)
    return is_hexadecimal(digits) and len(digits) <= 64 and (digits != text or len(text) == 64)


def checked_digest(text: str) -> Digest:
    """Return a digest that a stranger wrote. Raises InvalidArgument: it names a file."""
    if not is_digest(text):
        raise InvalidArgument(f"not a sha256 digest: `{text:.100}`")
    return Digest(text)


def hexadecimal(digest: str) -> str:
    """Return the digits alone, for a file name. Raises InvalidArgument."""
    return checked_digest(digest).removeprefix("sha256:")
