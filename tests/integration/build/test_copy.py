"""COPY and ADD do what BuildKit's do: what goes where, under which name, with which owner, mode and time."""

import os
import stat
import tarfile
from pathlib import Path

import pytest

from runtime.errors import InvalidArgument, NotFound
from tests.integration.build.conftest import Copy
from tests.integration.image.tars import Entry, folder, layer, symlink


def write(path: Path, text: str = "x", mode: int = 0o644) -> Path:
    """A file with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def tree(path: Path) -> list[str]:
    """All paths below a folder, but for the root's own files."""
    found = sorted(str(each.relative_to(path)) for each in path.rglob("*"))
    return [each for each in found if each.split("/")[0] != "etc"]


def look(path: Path) -> tuple[int, int, int]:
    """Mode, owner, group."""
    status = path.lstat()
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid


def test_a_file_must_keep_mode_and_time_and_belong_to_root(context: Path, root: Path, copy: Copy):
    """Whoever the developer is on the host."""
    file = write(context / "run", mode=0o750)
    os.chown(file, 1234, 1234)
    os.utime(file, ns=(5 * 10**9, 1_500_000_000_123_456_789))
    copy("run", "/usr/bin/")
    assert look(root / "usr/bin/run") == (0o750, 0, 0)
    assert (root / "usr/bin/run").stat().st_mtime_ns == 1_500_000_000_123_456_789
    assert look(root / "usr/bin") == (0o755, 0, 0)


@pytest.mark.parametrize(
    ("destination", "expected"),
    [("/new", ["new"]), ("/new/", ["new", "new/a"]), ("/dir", ["dir", "dir/a"]), ("/", ["a"]), ("/x/y", ["x", "x/y"])],
)
def test_a_file_must_become_its_destination_or_go_into_it(
    context: Path, root: Path, copy: Copy, destination: str, expected: list[str]
):
    """A slash at the end, or a folder that is there, means into it."""
    write(context / "a")
    if destination == "/dir":
        (root / "dir").mkdir()
    copy("a", destination)
    assert tree(root) == expected


def test_the_content_of_a_folder_must_go_into_the_destination(context: Path, root: Path, copy: Copy):
    """Not the folder itself; what was there stays, its mode and owner too."""
    write(context / "src/a")
    write(context / "src/sub/b")
    (context / "src/sub").chmod(0o700)
    (root / "app").mkdir(mode=0o711)
    write(root / "app/old")
    os.utime(context / "src", ns=(10**9, 7 * 10**9))
    os.utime(context / "src/sub", ns=(10**9, 8 * 10**9))
    copy("src", "/app")
    assert tree(root) == ["app", "app/a", "app/old", "app/sub", "app/sub/b"]
    assert look(root / "app") == (0o711, 0, 0)
    assert look(root / "app/sub") == (0o700, 0, 0)
    assert ((root / "app").stat().st_mtime, (root / "app/sub").stat().st_mtime) == (7, 8)


def test_wildcards_must_match_as_in_go(context: Path, root: Path, copy: Copy):
    """One component each; two stars are one; nothing matched is no error."""
    for name in ("a.txt", "b.txt", "c.md", "sub/d.txt", "[x].txt"):
        write(context / name)
    copy("*.txt", "/one/")
    copy("**/*.txt", "/two/")
    copy("nothing*", "/three/")
    copy("\\[x].txt", "/four/")
    copy("[ab].t?t", "/five/")
    assert tree(root / "one") == ["[x].txt", "a.txt", "b.txt"]
    assert tree(root / "two") == ["d.txt"]
    assert not (root / "three").exists()
    assert tree(root / "four") == ["[x].txt"]
    assert tree(root / "five") == ["a.txt", "b.txt"]


def test_a_path_that_is_not_there_must_be_named(context: Path, copy: Copy):
    """In BuildKit's words."""
    with pytest.raises(NotFound, match='"/missing/file": not found'):
        copy("missing/file", "/")
    (context / "link").symlink_to("nowhere")
    with pytest.raises(NotFound, match='"/link": not found'):
        copy("link", "/")


def test_an_ignored_path_must_be_as_if_it_were_not_there(context: Path, root: Path, copy: Copy):
    """Also by another name, and in a folder; what is taken back is there with its folders."""
    for name in ("a", "node_modules/x", "node_modules/keep/y", "log/z", ".git/config"):
        write(context / name)
    (context / "alias").symlink_to("log/z")
    ignore = ("node_modules", "!node_modules/keep", "log", ".git")
    copy(".", "/app/", ignore=ignore)
    assert tree(root / "app") == ["a", "alias", "node_modules", "node_modules/keep", "node_modules/keep/y"]
    for path in ("log", "alias", ".git/config"):
        with pytest.raises(NotFound):
            copy(path, "/", ignore=ignore)


def test_links_below_a_source_must_stay_links(context: Path, root: Path, copy: Copy):
    """The one that is named is followed, those in a folder are copied."""
    write(context / "real/file", "content")
    (context / "alias").symlink_to("real")
    (context / "real/link").symlink_to("/etc/passwd")
    copy("alias", "/app")
    assert tree(root / "app") == ["file", "link"]
    assert str((root / "app/link").readlink()) == "/etc/passwd"


def test_hard_links_must_stay_one_file(context: Path, root: Path, copy: Copy):
    """Within one source."""
    write(context / "d/a")
    os.link(context / "d/a", context / "d/b")
    copy("d", "/d")
    assert (root / "d/a").stat().st_ino == (root / "d/b").stat().st_ino


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ("web", (1000, 2000)),
        ("web:admins", (1000, 3000)),
        ("1000", (1000, 1000)),
        ("7:8", (7, 8)),
        ("root", (0, 0)),
        (":admins", (0, 3000)),
        ("5:admins", (5, 3000)),
    ],
)
def test_names_of_owners_must_be_those_of_the_image(
    context: Path, root: Path, copy: Copy, owner: str, expected: tuple[int, int]
):
    """Links and new folders get them too; a number alone is the group as well."""
    write(context / "d/a")
    (context / "d/l").symlink_to("a")
    copy("d", "/new/folder", owner=owner)
    for path in ("new", "new/folder", "new/folder/a", "new/folder/l"):
        assert look(root / path)[1:] == expected


def test_an_owner_that_nobody_has_must_be_an_error(context: Path, copy: Copy):
    """BuildKit would silently take root."""
    write(context / "a")
    with pytest.raises(InvalidArgument, match=r"cannot resolve `--chown=ghost`: unable to find user ghost"):
        copy("a", "/", owner="ghost")
    with pytest.raises(InvalidArgument, match=r"range 0-2147483647"):
        copy("a", "/", owner="4294967296")


def test_modes_must_be_set_octal_or_symbolic(context: Path, root: Path, copy: Copy):
    """Files, folders; an X only where something can be entered or run."""
    write(context / "d/script", mode=0o744)
    write(context / "d/text", mode=0o640)
    copy("d", "/octal", mode="4755")
    copy("d", "/symbolic", mode="u=rwX,go=rX")
    assert [look(root / "octal" / name)[0] for name in ("script", "text")] == [0o4755, 0o4755]
    assert [look(root / "symbolic" / name)[0] for name in ("script", "text")] == [0o755, 0o644]
    for wrong in ("8", "77777", "u+q", ""):
        if wrong:
            with pytest.raises(InvalidArgument, match="invalid chmod parameter"):
                copy("d", "/", mode=wrong)


def test_parents_must_be_kept_from_the_pivot_on(context: Path, root: Path, copy: Copy):
    """`--parents`, with stars over any depth."""
    write(context / "a/b/c.txt", mode=0o600)
    write(context / "a/b/d.md")
    write(context / "x/y/z.txt")
    (context / "a/b").chmod(0o700)
    copy("a/b/c.txt", "/one/", parents=True)
    copy("**/*.txt", "/two/", parents=True)
    copy("a/./b/*", "/three/", parents=True)
    assert tree(root / "one") == ["a", "a/b", "a/b/c.txt"]
    assert look(root / "one/a/b")[0] == 0o700
    assert tree(root / "two") == ["a", "a/b", "a/b/c.txt", "x", "x/y", "x/y/z.txt"]
    assert tree(root / "three") == ["b", "b/c.txt", "b/d.md"]
    with pytest.raises(NotFound):
        copy("a/missing", "/", parents=True)


def test_excluded_files_must_stay_behind(context: Path, root: Path, copy: Copy):
    """`--exclude`, relative to what is copied."""
    for name in ("src/a.py", "src/a.pyc", "src/sub/b.pyc", "src/keep.pyc"):
        write(context / name)
    copy("src", "/app", exclude=("**/*.pyc", "!keep.pyc"))
    assert tree(root / "app") == ["a.py", "keep.pyc", "sub"]


def test_what_is_in_the_way_must_be_replaced_or_named(context: Path, root: Path, copy: Copy):
    """A file replaces a file or a link; a folder and a file replace neither the other."""
    write(context / "f", "new")
    write(context / "d/f", "new")
    write(root / "old", "old")
    (root / "link").symlink_to("old")
    (root / "dir/f").mkdir(parents=True)
    copy("f", "/link")
    assert ((root / "link").is_symlink(), (root / "old").read_text()) == (True, "new")
    with pytest.raises(InvalidArgument, match="cannot replace to directory"):
        copy("f", "/dir/")
    with pytest.raises(InvalidArgument, match="cannot copy to non-directory"):
        copy("d", "/old")
    with pytest.raises(InvalidArgument, match="not a folder"):
        copy("f", "/old/below")


def test_links_in_the_destination_must_be_followed_inside_the_root(context: Path, root: Path, copy: Copy):
    """Absolute, relative, dangling, and out of it by `..`."""
    write(context / "f", "new")
    (root / "var").mkdir()
    (root / "run").symlink_to("/var/run")
    (root / "up").symlink_to("../../../var")
    copy("f", "/run/f")
    copy("f", "/up/g")
    assert tree(root) == ["run", "up", "var", "var/g", "var/run", "var/run/f"]


@pytest.mark.parametrize(("name", "mode"), [("a.tar", "w"), ("a.tgz", "w:gz"), ("a.tbz", "w:bz2"), ("odd", "w:xz")])
def test_add_must_unpack_archives_by_their_content(context: Path, root: Path, copy: Copy, name: str, mode: str):
    """Whatever they are called; names that are special in layers are not."""
    write(context / "plain/.wh.file", "content")
    with tarfile.open(context / name, mode) as archive:
        archive.add(context / "plain/.wh.file", "d/.wh.file")
    copy(name, "/app", unpack=True)
    assert tree(root / "app") == ["d", "d/.wh.file"]


def test_add_must_copy_what_is_no_archive(context: Path, root: Path, copy: Copy):
    """A compressed text, an empty file, a folder."""
    write(context / "a.tar", "no tar at all")
    write(context / "empty.tar", "")
    write(context / "d/x.tar", "x")
    copy("a.tar", "empty.tar", "/app/", unpack=True)
    copy("d", "/d", unpack=True)
    assert tree(root) == ["app", "app/a.tar", "app/empty.tar", "d", "d/x.tar"]


def test_an_added_archive_must_keep_its_owners_unless_told(context: Path, root: Path, copy: Copy):
    """And go over what is there."""
    (context / "a.tar").write_bytes(layer(folder("bin"), Entry("bin/x", b"new", uid=5, gid=6), symlink("l", "x")))
    write(root / "one/bin/x", "old")
    copy("a.tar", "/one", unpack=True)
    copy("a.tar", "/two", unpack=True, owner="web")
    assert ((root / "one/bin/x").read_text(), look(root / "one/bin/x")[1:]) == ("new", (5, 6))
    assert look(root / "two/bin/x")[1:] == (1000, 2000)


def test_the_digest_must_hang_on_all_but_times_and_owners(context: Path, copy: Copy):
    """A fresh clone finds the cache; a changed mode, name, link or byte does not."""
    file = write(context / "d/a", "one")
    first = copy("d", "/1")
    os.utime(file, ns=(0, 0))
    os.chown(file, 7, 7)
    assert copy("d", "/2") == first
    seen = {first}
    for change in (
        lambda: file.write_text("two"),
        lambda: file.chmod(0o600),
        lambda: file.rename(context / "d/b"),
        lambda: (context / "d/l").symlink_to("a"),
        lambda: os.setxattr(context / "d/b", "user.x", b"1"),
    ):
        change()
        digest = copy("d", f"/{len(seen) + 5}")
        assert digest not in seen
        seen.add(digest)


def test_a_file_that_says_it_is_empty_must_be_copied_with_what_it_has(root: Path, copy: Copy, tmp_path: Path):
    """The size is no more than a hint: that of files of /proc is always 0."""
    context = tmp_path / "context"
    context.rmdir()
    context.symlink_to("/proc/sys/kernel")
    copy("ostype", "/ostype")
    assert (root / "ostype").read_text() == "Linux\n"
