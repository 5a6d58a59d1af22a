"""An archive on its way out: to a file that has its name only once it is whole, or to a stream."""

import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import InvalidArgument, PermissionDenied
from runtime.image.streams import Sink

STANDARD_OUTPUT = "-"
_LEVEL = 6
_GZIP_BITS = 31
"""For zlib: the largest window, with gzip's header, which tells no time."""


@contextmanager
def written(target: Path, *, gzipped: bool = False) -> Iterator[Sink]:
    """Give what an archive is written to: `-` is standard output; a pipe or device is written to as it is.

    Any other file is written beside its place and renamed, so that a failure or a kill leaves no part of it under
    its name. Raises InvalidArgument, PermissionDenied, OSError.
    """
    if str(target) == STANDARD_OUTPUT:
        yield from _through(1, gzipped=gzipped)
    elif _is_stream(target):
        descriptor = os.open(target, os.O_WRONLY | os.O_CLOEXEC)
        try:
            yield from _through(descriptor, gzipped=gzipped)
        finally:
            os.close(descriptor)
    else:
        yield from _renamed(target, gzipped=gzipped)


class Descriptor:
    """A sink on an open descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, content: bytes, /) -> None:
        """Write all of it."""
        remaining = memoryview(content)
        while remaining:
            remaining = remaining[os.write(self._descriptor, remaining) :]


class _Gzipped:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._compressor = zlib.compressobj(_LEVEL, wbits=_GZIP_BITS)

    def write(self, content: bytes, /) -> None:
        self._sink.write(self._compressor.compress(content))

    def finish(self) -> None:
        self._sink.write(self._compressor.flush())


def _through(descriptor: int, *, gzipped: bool) -> Iterator[Sink]:
    plain = Descriptor(descriptor)
    if not gzipped:
        yield plain
        return
    packed = _Gzipped(plain)
    yield packed
    packed.finish()


def _renamed(target: Path, *, gzipped: bool) -> Iterator[Sink]:
    scratch = target.parent / f".{target.name}.{os.urandom(6).hex()}"
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidArgument(f"invalid output path: directory `{target.parent}` does not exist") from None
    except PermissionError as error:
        raise PermissionDenied(f"invalid output path: cannot write in `{target.parent}`: {error.strerror}") from error
    try:
        try:
            yield from _through(descriptor, gzipped=gzipped)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        scratch.rename(target)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def _is_stream(target: Path) -> bool:
    try:
        mode = target.stat().st_mode
    except OSError:
        return False
    if stat.S_ISDIR(mode):
        raise InvalidArgument(f"invalid output path: `{target}` is a directory")
    return not stat.S_ISREG(mode)
