"""What a build gets of a repository: its `.git` where it is wanted, its submodules, and nothing that it should not."""

import os
import subprocess
import zlib
from hashlib import sha1
from pathlib import Path

import pytest

from runtime.errors import EngineError, InvalidArgument, ResourceExhausted, Unavailable
from runtime.git.client import Checkout, Git
from runtime.git.reference import parse
from tests.support.git import IDENTITY, Repository, http_server


@pytest.fixture
def main(tmp_path: Path) -> Repository:
    """A repository with a commit."""
    repository = Repository(tmp_path / "served" / "main.git")
    repository.commit({"top": "top\n"})
    return repository


def checked_out(text: str, folder: Path, checkout: Checkout) -> Path:
    """Fetch a reference; return the tree."""
    git = Git({**os.environ, **IDENTITY}, tell_waiting=lambda _: None)
    reference = parse(text)
    folder.mkdir()
    git.fetch(reference, git.resolve(reference), str(folder), checkout)
    return folder / "tree"


def names(tree: Path) -> list[str]:
    """Everything in a tree but the inside of `.git`."""
    return sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if ".git/" not in f"{path}")


def with_submodule(repository: Repository, address: str, commit: str) -> None:
    """Commit a submodule `lib`."""
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},lib")
    (repository.folder / ".gitmodules").write_text(f'[submodule "lib"]\n\tpath = lib\n\turl = {address}\n')
    repository.git("add", ".gitmodules")
    repository.git("commit", "--quiet", "--message", "with a submodule")


def test_a_kept_git_folder_must_be_a_repository_to_work_in(main: Repository, tmp_path: Path) -> None:
    """On the commit, with the branch's name, clean; without hooks, and without the password it was fetched with."""
    with http_server(main.folder.parent) as address:
        url = address.replace("//", "//user:secret@")
        tree = checked_out(f"{url}/main.git#main", tmp_path / "it", Checkout(keep_git_dir=True))
    asked = ["git", "-C", str(tree), "-c", "safe.directory=*"]

    def git(*words: str) -> str:
        return subprocess.run([*asked, *words], capture_output=True, text=True, check=True, timeout=30).stdout.strip()

    assert git("rev-parse", "HEAD") == git("rev-parse", "main") == main.git("rev-parse", "HEAD")
    assert git("status", "--porcelain") == ""
    assert git("remote", "get-url", "origin") == f"{address}/main.git"
    assert not (tree / ".git/hooks").exists()
    everything = b"".join(path.read_bytes() for path in (tree / ".git").rglob("*") if path.is_file())
    assert b"secret" not in everything


def test_submodules_must_come_with_what_names_them(main: Repository, tmp_path: Path) -> None:
    """Also by an address that is relative; and nothing remains that leads to a repository which is gone."""
    inner = Repository(main.folder.parent / "inner.git")
    with_submodule(main, "../inner.git", inner.commit({"deep": "deep\n"}))
    with http_server(main.folder.parent) as address:
        tree = checked_out(f"{address}/main.git", tmp_path / "with", Checkout(submodules=True))
        assert names(tree) == [".gitmodules", "lib", "lib/deep", "top"]
        assert names(checked_out(f"{address}/main.git", tmp_path / "without", Checkout())) == [
            ".gitmodules",
            "lib",
            "top",
        ]


def test_a_submodule_must_not_be_a_repository_of_this_machine(main: Repository, tmp_path: Path) -> None:
    """What comes over the network names no path here (CVE-2022-39253)."""
    private = Repository(tmp_path / "private")
    with_submodule(main, private.url, private.commit({"secret": "secret\n"}))
    with http_server(main.folder.parent) as address, pytest.raises(Unavailable, match="transport 'file' not allowed"):
        checked_out(f"{address}/main.git", tmp_path / "it", Checkout(submodules=True))


def test_a_commit_that_says_it_has_billions_of_files_must_be_refused(main: Repository, tmp_path: Path) -> None:
    """Before anything of it is written: ten objects, each of which names the next one a hundred times."""
    entry, name = ("100644", main.git("rev-parse", "HEAD:top")), "f"
    for _ in range(8):
        content = b"".join(f"{entry[0]} {name}{n:02}\0".encode() + bytes.fromhex(entry[1]) for n in range(100))
        entry, name = ("40000", written(main, b"tree", content)), "d"
    commit = main.git("commit-tree", "-m", "bomb", entry[1])
    main.git("update-ref", "refs/heads/bomb", commit)
    with pytest.raises(ResourceExhausted, match="has more than 1000000 files and folders"):
        checked_out(f"{main.url}#bomb", tmp_path / "it", Checkout())
    assert list((tmp_path / "it/tree").iterdir()) == []


def test_files_must_be_as_old_as_their_commit_when_that_is_asked(main: Repository, tmp_path: Path) -> None:
    """So that two checkouts are the same to the second."""
    tree = checked_out(f"{main.url}?mtime=commit", tmp_path / "it", Checkout(commit_times=True))
    assert (tree / "top").stat().st_mtime == tree.stat().st_mtime == int(main.git("show", "-s", "--format=%ct"))


@pytest.mark.parametrize("text", ["?checksum=abcdef", "?checksum=--upload", "?submodules=maybe", "?keep-git-dir=2"])
def test_a_query_that_means_nothing_must_be_refused(text: str) -> None:
    """With the key and what it takes."""
    with pytest.raises(InvalidArgument, match=r"is no commit|is a boolean"):
        parse(f"https://h/x.git{text}")


def test_what_a_reference_says_of_the_checkout_must_be_heard() -> None:
    """In its query."""
    reference = parse("https://h/x.git?submodules=false&keep-git-dir&mtime=commit&commit=0123ABC")
    assert (reference.submodules, reference.keep_git_dir, reference.commit_times) == (False, True, True)
    assert reference.checksum == "0123abc"


def test_a_commit_must_be_the_one_that_was_meant(main: Repository, tmp_path: Path) -> None:
    """By the beginning of its name."""
    with pytest.raises(EngineError, match="and should be 0000000"):
        checked_out(f"{main.url}?checksum=0000000", tmp_path / "it", Checkout())


def written(repository: Repository, kind: bytes, content: bytes) -> str:
    """Write an object past git, which finds nothing wrong with it; return its name."""
    whole = kind + b" " + str(len(content)).encode() + b"\0" + content
    digest = sha1(whole).hexdigest()
    path = repository.folder / ".git/objects" / digest[:2] / digest[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(whole))
    return digest
