"""Zstandard, where this machine has it: in Python's library from 3.14, as a package, or as libzstd itself.

Debian's dpkg needs libzstd, so nearly every machine has it. Its functions: zstd.h, "Streaming decompression".
"""

import ctypes
from functools import cache
from typing import BinaryIO, cast

from runtime.errors import Unsupported

DAMAGED: tuple[type[Exception], ...] = ()
"""What decoders raise for content that is no zstd, beside those that streams know."""
_LIBRARY = "libzstd.so.1"
_INPUT_BYTES = 1 << 16
_OUTPUT_BYTES = 1 << 18

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
    return cast("BinaryIO", Unzstandard(source))


class _Buffer(ctypes.Structure):
    """ZSTD_inBuffer and ZSTD_outBuffer."""

    _fields_ = (("content", ctypes.c_void_p), ("size", ctypes.c_size_t), ("position", ctypes.c_size_t))


class Unzstandard:
    """The content of a zstd stream (RFC 8878): frames one after the other, by libzstd."""

    def __init__(self, source: BinaryIO) -> None:
        """Raises Unsupported without the library."""
        self._source = source
        self._functions = _functions()
        self._decoder = self._functions.ZSTD_createDStream()
        self._content = b""
        self._input = _Buffer()
        self._space = ctypes.create_string_buffer(_OUTPUT_BYTES)
        self._is_within_frame = False

    def __del__(self) -> None:
        if hasattr(self, "_decoder"):
            self._functions.ZSTD_freeDStream(self._decoder)

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes. Raises EOFError for a damaged stream."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_OUTPUT_BYTES), b""))
        while size:
            if self._input.position == self._input.size:
                self._content = self._source.read(_INPUT_BYTES)
                address = ctypes.cast(ctypes.c_char_p(self._content), ctypes.c_void_p)
                self._input = _Buffer(address, len(self._content), 0)
            output = _Buffer(ctypes.addressof(self._space), min(size, _OUTPUT_BYTES), 0)
            hint = self._functions.ZSTD_decompressStream(self._decoder, ctypes.byref(output), ctypes.byref(self._input))
            if self._functions.ZSTD_isError(hint):
                raise EOFError(self._functions.ZSTD_getErrorName(hint).decode().lower())
            if output.position:
                self._is_within_frame = hint != 0
                return ctypes.string_at(self._space, output.position)
            if not self._content:
                break
            self._is_within_frame = hint != 0
        if size and self._is_within_frame:
            raise EOFError("it ends before its end mark")
        return b""


@cache
def _functions() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError as error:
        raise Unsupported(
            "the layer is compressed with zstd, which this machine cannot read",
            hint="install the system's libzstd, the package `zstandard`, or use Python 3.14",
        ) from error
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name, result, arguments in (
        ("ZSTD_createDStream", pointer, ()),
        ("ZSTD_freeDStream", size, (pointer,)),
        ("ZSTD_decompressStream", size, (pointer, ctypes.POINTER(_Buffer), ctypes.POINTER(_Buffer))),
        ("ZSTD_isError", ctypes.c_uint, (size,)),
        ("ZSTD_getErrorName", ctypes.c_char_p, (size,)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
