"""Entries of a layer: paths that stay inside, owners and times that can be."""

import tarfile

import pytest

from runtime.errors import InvalidArgument
from runtime.image.entries import attributes, modified_ns, owner, path_of


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a/b", ("a", "b")),
        ("./a//b/", ("a", "b")),
        ("/etc/passwd", ("etc", "passwd")),
        ("a/../b", ("b",)),
        ("./", ()),
        ("", ()),
    ],
)
def test_a_path_must_be_relative_to_the_root(name: str, parts: tuple[str, ...]):
    """Leading slashes are the image's root, dots are resolved by name."""
    assert path_of(name) == parts


@pytest.mark.parametrize("name", ["..", "../a", "a/../../b", "/../etc/passwd", "a\0b"])
def test_a_path_that_leaves_the_image_must_be_refused(name: str):
    """Docker refuses them too (CVE-2014-9357)."""
    with pytest.raises(InvalidArgument):
        path_of(name)


@pytest.mark.parametrize(
    ("time", "nanoseconds"),
    [
        *((0, 0), (1.5, 1_500_000_000), (-1.5, -1_500_000_000), (float("nan"), 0), (float("inf"), 0)),
        *((2.0**40, 2**34 * 10**9), (-(2**40), -(2**31) * 10**9)),
    ],
)
def test_a_time_must_fit_the_file_system(time: float, nanoseconds: int):
    """No tar makes the call fail."""
    member = tarfile.TarInfo("a")
    member.mtime = time
    assert modified_ns(member) == nanoseconds


def test_a_time_must_be_exact_where_the_tar_is():
    """Nanoseconds of an extended header do not go through a float."""
    member = tarfile.TarInfo("a")
    member.mtime, member.pax_headers = 1600000000.1234567, {"mtime": "1600000000.123456789"}
    assert modified_ns(member) == 1_600_000_000_123_456_789


@pytest.mark.parametrize(("uid", "gid"), [(-1, 0), (0, -1), (2**32 - 1, 0), (2**40, 0)])
def test_an_owner_that_cannot_be_must_be_refused(uid: int, gid: int):
    """-1 would mean "leave as it is" to chown."""
    member = tarfile.TarInfo("a")
    member.uid, member.gid = uid, gid
    with pytest.raises(InvalidArgument):
        owner(member)


def test_attributes_that_steer_overlayfs_must_be_dropped():
    """A redirect or an opaque mark of a stranger would show other folders."""
    member = tarfile.TarInfo("a")
    member.pax_headers = {
        "SCHILY.xattr.trusted.overlay.redirect": "/etc",
        "SCHILY.xattr.user.overlay.opaque": "y",
        "SCHILY.xattr.security.capability": "\x01\udcff",
        "mtime": "1",
    }
    assert attributes(member) == [("security.capability", b"\x01\xff")]
