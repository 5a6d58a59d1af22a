"""What people write for an image means what it means to Docker."""

import pytest

from runtime.errors import InvalidArgument
from runtime.image.reference import familiar, parse

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("written", "whole", "short"),
    [
        ("busybox", "docker.io/library/busybox:latest", "busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
        ("docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"),
        ("index.docker.io/library/busybox", "docker.io/library/busybox:latest", "busybox:latest"),
        ("bitnami/redis:7", "docker.io/bitnami/redis:7", "bitnami/redis:7"),
        ("library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"),
        ("ghcr.io/org/app", "ghcr.io/org/app:latest", "ghcr.io/org/app:latest"),
        ("docker.io/docker.io/a", "docker.io/docker.io/a:latest", "docker.io/docker.io/a:latest"),
        ("docker.io/localhost/a", "docker.io/localhost/a:latest", "docker.io/localhost/a:latest"),
        ("localhost/app", "localhost/app:latest", "localhost/app:latest"),
        ("localhost:5000/app:1", "localhost:5000/app:1", "localhost:5000/app:1"),
        ("[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"),
        ("Host/app", "Host/app:latest", "Host/app:latest"),
        (f"busybox@{DIGEST}", f"docker.io/library/busybox@{DIGEST}", f"busybox@{DIGEST}"),
        (f"a/b:1@{DIGEST}", f"docker.io/a/b:1@{DIGEST}", f"a/b:1@{DIGEST}"),
        ("a__b.c-d--e", "docker.io/library/a__b.c-d--e:latest", "a__b.c-d--e:latest"),
    ],
)
def test_a_short_name_must_stand_for_its_long_one(written: str, whole: str, short: str):
    """`busybox` is docker.io/library/busybox:latest, and is shown as busybox:latest."""
    reference = parse(written).with_default_tag()
    assert (str(reference), reference.familiar) == (whole, short)
    assert familiar(short) == familiar(whole) == short


@pytest.mark.parametrize(
    "written",
    [
        *("", ":tag", "a:", "a:b:c", "a//b", "/a", "a/", "Busybox", "a/B", "a..b", "a_-b", "-a", "a b", "a\n", "../a"),
        *(
            "a@sha256:12",
            "a@md5:" + "ab" * 16,
            "ab" * 32,
            "a:" + "t" * 129,
            "a" * 256,
            "a:tag/b",
            "a\x00",
            "http://a/b",
        ),
    ],
)
def test_what_is_no_reference_must_be_refused(written: str):
    """The error names what was written."""
    with pytest.raises(InvalidArgument, match="invalid image reference"):
        parse(written)


def test_the_error_must_say_that_names_are_lowercase():
    """The commonest mistake has its cause in the message."""
    with pytest.raises(InvalidArgument, match="`library/Redis` must be lowercase"):
        parse("Redis")
