"""Options of the local driver: what is supported works, the rest says so."""

import pytest

from runtime.errors import InvalidArgument, Unsupported
from runtime.volume.driver import check_driver
from schemas.engine.specs import VolumeSpec


@pytest.mark.parametrize(
    "options",
    [{}, {"type": "none", "o": "bind", "device": "/srv"}, {"o": "rbind,rw", "device": "/srv/x"}, {"type": ""}],
)
def test_a_folder_of_the_host_must_be_possible(options: dict[str, str]):
    """The way most projects pin a volume to a path."""
    check_driver(VolumeSpec("v", driver_options=options))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"type": "nfs", "o": "addr=10.0.0.1", "device": ":/x"}, "nfs"),
        ({"type": "tmpfs", "device": "tmpfs"}, "tmpfs"),
        ({"type": "none", "o": "bind,ro", "device": "/srv"}, "ro"),
        ({"size": "10g"}, "size"),
    ],
)
def test_what_is_not_supported_must_be_named(options: dict[str, str], word: str):
    """A volume that silently is another one loses data."""
    with pytest.raises(Unsupported, match=f"`{word}`"):
        check_driver(VolumeSpec("v", driver_options=options))


@pytest.mark.parametrize("device", ["", "srv", "/", "/../", "/a\0b"])
def test_a_device_must_be_an_absolute_path(device: str):
    """Nothing else can be mounted."""
    with pytest.raises(InvalidArgument):
        check_driver(VolumeSpec("v", driver_options={"type": "none", "o": "bind", "device": device}))


def test_a_driver_of_a_plugin_must_be_refused():
    """There is no engine to load plugins."""
    with pytest.raises(Unsupported, match="`rexray`"):
        check_driver(VolumeSpec("v", driver="rexray"))
