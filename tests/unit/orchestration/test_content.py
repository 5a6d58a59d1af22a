"""What secrets and configs are made of, when the path leads to no file: nothing is read for ever."""

import hashlib
import os
from pathlib import Path

import pytest

from compose.hashing import content_digests
from compose.orchestration.specs.files import file_objects
from schemas.engine.specs import FileObject
from tests.support.bounded import call
from tests.unit.loader.memory import load_text


def _object(path: object) -> FileObject:
    return FileObject("/t", source=str(path))


def test_a_file_must_have_the_digest_of_its_content(tmp_path: Path) -> None:
    """What changes it recreates the container."""
    (tmp_path / "s").write_bytes(b"secret")
    assert content_digests([_object(tmp_path / "s")]) == [hashlib.sha256(b"secret").hexdigest()]


@pytest.mark.parametrize("kind", ["device", "fifo", "folder", "missing"])
def test_what_is_no_file_must_have_the_digest_of_nothing(kind: str, tmp_path: Path) -> None:
    """/dev/zero has no end, and a FIFO may have no beginning."""
    path = tmp_path / kind
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    outcome = call(lambda: content_digests([_object("/dev/zero" if kind == "device" else path)]))
    assert not outcome.error
    assert outcome.seconds < 1


def test_a_secret_with_an_owner_must_be_bound_when_it_is_no_file_or_large(tmp_path: Path) -> None:
    """Only a small text is copied."""
    (tmp_path / "large").write_bytes(b"x" * (1 << 21))
    for path in ("/dev/zero", str(tmp_path / "large")):
        text = f"services: {{a: {{image: i, secrets: [{{source: s, uid: '5'}}]}}}}\nsecrets: {{s: {{file: {path}}}}}\n"
        project = load_text(text).project
        outcome = call(lambda project=project: file_objects(project, project.services["a"]))
        assert not outcome.error
        assert [each.content for each in file_objects(project, project.services["a"])] == [None]
