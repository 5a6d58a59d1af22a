"""Names for the strings that identify things, so that one kind is never taken for another.

A layer digest (of the compressed blob), a DiffID (of the uncompressed tar) and a ChainID (of a
stack of layers) are three different things although all are `sha256:<hex>`
(OCI image-spec, config.md: "Do not confuse").
"""

import os
from typing import NewType

ContainerID = NewType("ContainerID", str)
"""64 lower-case hexadecimal digits."""
NetworkID = NewType("NetworkID", str)
"""64 lower-case hexadecimal digits."""
ImageID = NewType("ImageID", str)
"""`sha256:<hex>` of the image's configuration document."""
Digest = NewType("Digest", str)
"""`sha256:<hex>` of a blob as it is stored or transferred."""
DiffID = NewType("DiffID", str)
"""`sha256:<hex>` of a layer's uncompressed tar."""
ChainID = NewType("ChainID", str)
"""`sha256:<hex>` of a layer on top of all those below it."""

SHORT_LENGTH = 12
"""Digits of an id that people are shown, as Docker shows them."""


def new_id() -> str:
    """Return 64 random hexadecimal digits, for a container or a network."""
    return os.urandom(32).hex()


def short(identifier: str) -> str:
    """Return the first 12 digits of an id, without its `sha256:`."""
    return identifier.removeprefix("sha256:")[:SHORT_LENGTH]
