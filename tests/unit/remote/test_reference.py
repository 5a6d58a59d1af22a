"""What is a reference to a repository, and what it means."""

import pytest

from compose.remote.names import cache_folder, is_remote, root_of
from runtime.errors import InvalidArgument
from runtime.git.reference import parse, without_password

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "repository", "ref", "folder"),
    [
        ("https://h/x.git", "https://h/x.git", "HEAD", ""),
        ("https://h/x.git#main", "https://h/x.git", "main", ""),
        ("https://h/x.git#main:a/b", "https://h/x.git", "main", "a/b"),
        ("https://h/x.git#:a", "https://h/x.git", "HEAD", "a"),
        ("https://h/x.git#main:/a/./b/", "https://h/x.git", "main", "a/b"),
        ("https://h/x.git#feature/a-b", "https://h/x.git", "feature/a-b", ""),
        ("https://h/x.git?ref=v1&subdir=a%2Fb", "https://h/x.git", "v1", "a/b"),
        ("https://h/x.git?tag=v1", "https://h/x.git", "refs/tags/v1", ""),
        ("https://h/x.git?branch=v1&keep-git-dir=1", "https://h/x.git", "refs/heads/v1", ""),
        ("git@h.org:x/y.git#main:a", "git@h.org:x/y.git", "main", "a"),
        ("deploy@h.org:x/y", "deploy@h.org:x/y", "HEAD", ""),
        ("ssh://git@h:22/x#v1", "ssh://git@h:22/x", "v1", ""),
        ("git://h/x", "git://h/x", "HEAD", ""),
        ("file:///srv/x#main", "file:///srv/x", "main", ""),
        ("github.com/x/y.git#v1", "https://github.com/x/y.git", "v1", ""),
    ],
)
def test_every_form_that_docker_compose_takes_must_be_understood(
    text: str, repository: str, ref: str, folder: str
) -> None:
    """Fragment and query, URLs and `user@host:path`."""
    assert is_remote(text)
    reference = parse(text)
    assert (reference.repository, reference.ref, reference.subdirectory) == (repository, ref, folder)


@pytest.mark.parametrize("name", ["compose.yaml", "./a@b", "a/b.git", "/srv/x.git", "C:x", "a:b", "-", "ext::sh -c x"])
def test_a_path_must_not_be_taken_for_a_reference(name: str) -> None:
    """Not even one that looks odd."""
    assert not is_remote(name)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://h/x", "has to end in `.git`"),
        ("https://h/compose.yaml", "has to end in `.git`"),
        ("ftp://h/x.git", "`ftp` is no protocol"),
        ("ext::x://h/x.git", None),
        ("git+ssh://h/x.git", "`git+ssh` is no protocol"),
        ("https://h/x.git#--upload-pack=x", "is no name of a branch"),
        ("https://h/x.git#main --exec", "is no name of a branch"),
        ("https://h/x.git#a..b", "is no name of a branch"),
        ("https://h/x.git#*", "is no name of a branch"),
        ("https://h/x.git#main:../../etc", "is not inside the repository"),
        ("https://h/x.git#main:a/../../b", "is not inside the repository"),
        ("https://h/x.git?subdir=..", "is not inside the repository"),
        ("https://h/x.git#main:a\nb", "has characters that cannot be shown"),
        ("https://h/\x1b[2J.git", "has characters that cannot be shown"),
        ("https://h/x.git?subdir=a%1bb", "is not inside the repository"),
        ("https://h/x.git?nope=1", "`nope=1` means nothing here"),
        ("https://h/x.git?ref=a#b", "`ref` is given twice"),
        ("ssh://-oProxyCommand=x/y", "no host begins with `-`"),
        ("ssh://git@-oProxyCommand=x/y", "no host begins with `-`"),
    ],
)
def test_what_git_must_not_see_must_be_refused(text: str, reason: str | None) -> None:
    """Options where a name belongs, folders outside, protocols that run commands."""
    if reason is None:
        assert not is_remote(text)
        return
    with pytest.raises(InvalidArgument) as caught:
        parse(text)
    assert reason in caught.value.message


def test_a_commit_must_be_known_as_one() -> None:
    """So that the cache can answer without network."""
    assert parse(f"https://h/x.git#{COMMIT}").is_commit
    assert not parse(f"https://h/x.git#{COMMIT[:12]}").is_commit


def test_a_password_must_not_be_shown() -> None:
    """In no message."""
    assert without_password("https://u:secret@h/x.git: no") == "https://u:***@h/x.git: no"
    with pytest.raises(InvalidArgument) as caught:
        parse("https://u:secret@h/x")
    assert "secret" not in str(caught.value)


def test_the_cache_must_be_where_the_environment_says() -> None:
    """XDG_CACHE_HOME when it is absolute, else `.cache` at home."""
    assert cache_folder({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == "/c/pycompose"
    assert cache_folder({"XDG_CACHE_HOME": "relative", "HOME": "/h"}) == "/h/.cache/pycompose"
    assert root_of("/c/pycompose/git/abc/a/b", "/c/pycompose") == "/c/pycompose/git/abc"
    assert root_of("/c/pycompose/oci/abc/a", "/c/pycompose") == "/c/pycompose/oci/abc"
    for elsewhere in ("/c/pycompose/gitabc/a", "/c/pycompose/git", "/c/pycompose", "/c/pycomposegit/abc", "/x/git/a/b"):
        assert root_of(elsewhere, "/c/pycompose") == ""
