"""Capabilities and security options as a Compose file has them."""

import pytest

from runtime.errors import EngineError
from runtime.launch.defaults import DEFAULT_CAPABILITIES, masked_paths, resolve_capabilities
from runtime.launch.security_options import SecurityOptions, parse
from runtime.launch.tree import split_path
from runtime.syscall import capability


def test_default_capabilities_must_be_dockers():
    """The famous bit set of 14."""
    assert capability.to_mask(resolve_capabilities((), (), False)) == 0xA80425FB
    assert set(resolve_capabilities((), (), False)) == set(DEFAULT_CAPABILITIES)


def test_capabilities_must_be_added_and_dropped_by_any_spelling():
    """In any case, with and without CAP_."""
    kept = resolve_capabilities(("net_admin",), ("CAP_CHOWN", "mknod"), False)
    assert "CAP_NET_ADMIN" in kept
    assert not {"CAP_CHOWN", "CAP_MKNOD"} & set(kept)


def test_all_must_be_all_or_nothing():
    """ALL added leaves out what is dropped; ALL dropped keeps what is added."""
    assert resolve_capabilities((), ("ALL",), False) == ()
    assert resolve_capabilities(("CHOWN",), ("all",), False) == ("CAP_CHOWN",)
    every = resolve_capabilities(("ALL",), ("CHOWN",), False)
    assert "CAP_CHOWN" not in every
    assert "CAP_NET_ADMIN" in every
    assert set(resolve_capabilities((), (), True)) == {*every, "CAP_CHOWN"}


def test_an_unknown_capability_must_be_named():
    """A typing error is not ignored, neither in add nor in drop."""
    for add, drop in ((("NET_ADMINS",), ()), ((), ("NET_ADMINS",))):
        with pytest.raises(EngineError, match="NET_ADMINS"):
            resolve_capabilities(add, drop, False)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], SecurityOptions()),
        (["no-new-privileges"], SecurityOptions(no_new_privileges=True)),
        (["no-new-privileges:true", "seccomp:unconfined"], SecurityOptions(True, "unconfined")),
        (["no-new-privileges=false", "seccomp=builtin"], SecurityOptions()),
        (['seccomp={"defaultAction": "x:y=z"}'], SecurityOptions(seccomp='{"defaultAction": "x:y=z"}')),
        (
            ["systempaths=unconfined", "apparmor=unconfined", "label:disable"],
            SecurityOptions(unconfined_system_paths=True),
        ),
        (["writable-cgroups=true"], SecurityOptions(writable_cgroups=True)),
    ],
)
def test_security_options_must_be_read(options: list[str], expected: SecurityOptions):
    """Both separators; what asks for nothing is accepted."""
    assert parse(options) == expected


@pytest.mark.parametrize("option", ["", "nothing", "nothing=1", "no-new-privileges=maybe", "apparmor=mine", "=x"])
def test_an_option_that_cannot_be_kept_must_be_refused(option: str):
    """No protection is dropped in silence."""
    with pytest.raises(EngineError):
        parse([option])


def test_masked_paths_must_hide_what_leaks():
    """Among them the files that older lists lack."""
    assert {"/proc/kcore", "/proc/keys", "/proc/interrupts", "/sys/firmware", "/sys/devices/virtual/powercap"} <= set(
        masked_paths()
    )


@pytest.mark.parametrize(
    ("path", "parts"),
    [("/a/b", ["a", "b"]), ("a//b/.", ["a", "b"]), ("/../../x", ["x"]), ("/a/../b", ["b"]), ("/", [])],
)
def test_a_target_must_be_cleaned_before_it_is_ordered(path: str, parts: list[str]):
    """Depth decides the order of mounts, so it is counted on clean paths."""
    assert split_path(path) == parts
