"""Zstandard by the system's own library, which a Python before 3.14 needs."""

import io
import os

import pytest

from runtime.errors import Unsupported
from runtime.image import zstd
from runtime.image.zstd import Unzstandard
from tests.support.zstd_frames import stored

CONTENT = os.urandom(700_000)


@pytest.fixture(autouse=True)
def _library() -> None:
    """Skip where the machine has none."""
    try:
        Unzstandard(io.BytesIO())
    except Unsupported as lacking:
        pytest.skip(lacking.message)


@pytest.mark.parametrize("size", [1000, 1 << 16, 1 << 20, -1])
def test_what_was_packed_must_come_back(size: int) -> None:
    """Frame after frame, however much is asked for at a time."""
    stream = Unzstandard(io.BytesIO(stored(CONTENT) + stored(b"") + stored(b"tail")))
    found = stream.read(-1) if size < 0 else b"".join(iter(lambda: stream.read(size), b""))
    assert found == CONTENT + b"tail"


@pytest.mark.parametrize("length", [5, 7, 1000, 400_000, -1])
def test_a_stream_that_ends_early_must_be_found_out(length: int) -> None:
    """Cut anywhere, the last byte included."""
    with pytest.raises(EOFError, match="ends before"):
        Unzstandard(io.BytesIO(stored(CONTENT)[:length])).read()


def test_what_is_damaged_must_be_said() -> None:
    """A block of a type that there is not."""
    content = bytearray(stored(CONTENT))
    content[6] |= 6
    with pytest.raises(EOFError, match="corrupt"):
        Unzstandard(io.BytesIO(bytes(content))).read()


def test_a_machine_without_any_decoder_must_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three ways lead to one."""
    monkeypatch.setattr(zstd, "_LIBRARY", "libnosuch.so.1")
    zstd._functions.cache_clear()
    with pytest.raises(Unsupported, match="compressed with zstd") as caught:
        Unzstandard(io.BytesIO())
    assert "libzstd" in caught.value.hint
    zstd._functions.cache_clear()
