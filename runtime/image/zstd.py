"""Zstandard, where this Python has it: in the library from 3.14, or by one of two packages."""

from typing import BinaryIO, cast

from runtime.errors import Unsupported

DAMAGED: tuple[type[Exception], ...] = ()
"""What the decoder raises for content that is no zstd."""

try:
    from compression import zstd as _library  # type: ignore[import-not-found,unused-ignore]

    DAMAGED += (_library.ZstdError,)
except ImportError:
    _library = None
try:
    import zstandard as _package  # type: ignore[import-not-found,unused-ignore]

    DAMAGED += (_package.ZstdError,)
except ImportError:
    _package = None


def reader(source: BinaryIO) -> BinaryIO:
    """Return a stream of the decompressed content. Raises Unsupported without a decoder."""
    if _library is not None:
        return cast("BinaryIO", _library.ZstdFile(source))
    if _package is not None:
        return cast("BinaryIO", _package.ZstdDecompressor().stream_reader(source, read_across_frames=True))
    raise Unsupported(
        "the layer is compressed with zstd, which this Python cannot read",
        hint="install the package `zstandard`, or use Python 3.14",
    )
