"""Who a `user` setting is, by the container's files."""

import pytest

from runtime.errors import StartFailed
from runtime.launch.users import Identity, resolve

PASSWD = (
    b"root:x:0:0:root:/root:/bin/sh\n# bob:x:1:1::/:\nbob:x:1000:1000::/home/bob:/bin/sh\n"
    b"bob:x:5:5::/second:\n42:x:7:7::/x:\nshort:x:1\n"
)
GROUP = b"root:x:0:\nwheel:x:10:root, bob\nbroken:x:ten:bob\naudio:x:29:bob\n12:x:99:\n"


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("", Identity(0, 0, (0, 10), "/root")),
        ("root", Identity(0, 0, (0, 10), "/root")),
        ("bob", Identity(1000, 1000, (1000, 10, 29), "/home/bob")),
        ("1000", Identity(1000, 1000, (1000, 10, 29), "/home/bob")),
        ("+1000", Identity(1000, 1000, (1000, 10, 29), "/home/bob")),
        ("bob:audio", Identity(1000, 29, (29,), "/home/bob")),
        ("bob:77", Identity(1000, 77, (77,), "/home/bob")),
        ("bob:12", Identity(1000, 12, (12,), "/home/bob")),
        ("42", Identity(42, 0, (0,), "/")),
        ("2147483647:2147483647", Identity(2147483647, 2147483647, (2147483647,), "/")),
    ],
)
def test_a_user_must_be_resolved_as_docker_does(user: str, expected: Identity):
    """Names, numbers, groups; the first line of a name counts; a number is never a name."""
    assert resolve(user, (), PASSWD, GROUP) == expected


def test_further_groups_must_be_added_once():
    """`group_add` takes names that exist and any number."""
    assert resolve("bob", ("audio", "500", "10"), PASSWD, GROUP).groups == (1000, 10, 29, 500)


@pytest.mark.parametrize(
    ("user", "group_add"),
    [
        ("4294967296", ()),
        ("2147483648", ()),
        ("-1", ()),
        ("0x3e8", ()),
        ("99999999999999999999", ()),
        ("nosuch", ()),
        ("short", ()),
        ("bob:nosuch", ()),
        ("bob:-1", ()),
        ("bob:broken", ()),
        ("bob", ("nosuch",)),
        ("bob", ("4294967296",)),
        ("٣", ()),
    ],
)
def test_nobody_must_become_root_by_accident(user: str, group_add: tuple[str, ...]):
    """Out of range, not a number, unknown: an error each time."""
    with pytest.raises(StartFailed):
        resolve(user, group_add, PASSWD, GROUP)


def test_a_container_without_files_must_have_root_and_numbers():
    """An image from scratch has no passwd."""
    assert resolve("", (), b"", b"") == Identity(0, 0, (0,), "/")
    assert resolve("12:34", (), b"", b"") == Identity(12, 34, (34,), "/")


def test_bytes_that_are_no_text_must_do_no_harm():
    """A passwd of any bytes is read to its end."""
    assert resolve("bob", (), b"\xff\xfe:::::\n\0\n" + PASSWD, b"\xff:x:1:bob\n").groups == (1000, 1)
