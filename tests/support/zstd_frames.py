"""Zstandard without a compressor: a frame of blocks that are stored as they are (RFC 8878 3.1)."""

_MAGIC = b"\x28\xb5\x2f\xfd"
_NO_SIZE_AND_A_WINDOW_OF_8_MIB = b"\x00\x68"
_BLOCK_BYTES = 1 << 17


def stored(content: bytes) -> bytes:
    """Return a zstd frame of a content."""
    starts = range(0, len(content), _BLOCK_BYTES) or range(1)
    blocks = [content[start : start + _BLOCK_BYTES] for start in starts]
    heads = [((len(block) << 3) | (number == len(blocks) - 1)) for number, block in enumerate(blocks)]
    packed = b"".join(head.to_bytes(3, "little") + block for head, block in zip(heads, blocks, strict=True))
    return _MAGIC + _NO_SIZE_AND_A_WINDOW_OF_8_MIB + packed
