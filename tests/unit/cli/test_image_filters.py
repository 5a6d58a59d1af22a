"""Filters of `image ls` and `image prune`."""

from compose.cli.image_filters import LISTING, read_filters
from schemas.engine.records import ImageRecord

UNDATED = ImageRecord("sha256:" + "1" * 64, ("reproducible:1",), created_ns=0, size_bytes=1)
DATED = ImageRecord("sha256:" + "2" * 64, ("dated:1",), created_ns=1_700_000_000_000_000_000, size_bytes=1)


def _shown(*filters: str) -> list[str]:
    wanted = read_filters(filters, LISTING, {"reproducible:1": UNDATED, "dated:1": DATED}.__getitem__)
    return [record.references[0] for record in (DATED, UNDATED) if wanted.matches(record)]


def test_an_image_without_a_time_must_be_listed() -> None:
    """Reproducible builds say 1970, or nothing; they are older than all others, and as much an image."""
    assert _shown() == ["dated:1", "reproducible:1"]
    assert _shown("before=dated:1") == _shown("until=24h", "reference=reproducible:*") == ["reproducible:1"]
    assert _shown("since=reproducible:1") == ["dated:1"]
    assert _shown("before=reproducible:1") == []
