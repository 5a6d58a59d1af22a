"""Settings of registries: mirrors, the file that names them, the environment's proxy for others."""

from pathlib import Path

import pytest

from runtime.errors import InvalidArgument, Unavailable
from runtime.image.distribution import Distribution
from tests.integration.image.tars import Entry, folder, layer
from tests.integration.registry.conftest import Client
from tests.support import registry
from tests.support.registry import RegistryServer, RemoteImage
from tests.support.registry_proxy import RegistryProxy, times


@pytest.fixture
def image(server: RegistryServer) -> RemoteImage:
    """Put an image of one layer into the registry."""
    tar = layer(folder("./"), Entry("file", b"content" * 1000))
    return registry.put(server.host, "mirrors/image", "1", registry.image(tar))


def _with_settings(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    path = folder / "registries.toml"
    path.write_text(text)
    monkeypatch.setenv("PYCOMPOSE_REGISTRIES", str(path))


def test_mirrors_must_be_asked_first_and_replaced_when_they_fail(
    client: Client, server: RegistryServer, image: RemoteImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """One that is gone, one that lies about a layer, one that has the manifest alone: the registry itself helps out."""
    (blob,) = image.layers
    with RegistryProxy(server.host) as mirror, RegistryProxy(server.host) as origin:
        _with_settings(
            monkeypatch,
            tmp_path,
            f'[registry."{origin.host}"]\nmirrors = ["http://127.0.0.1:1", "http://{mirror.host}"]\ninsecure = true\n',
        )
        name = f"{origin.host}/mirrors/image:1"

        def pulled() -> tuple[int, int]:
            distribution = Distribution(client.database, client.store)
            distribution.pull(name)
            distribution.close()
            counts = mirror.count("GET", "/blobs/"), origin.count("GET", "/blobs/")
            client.store.remove(name)
            mirror.seen.clear()
            origin.seen.clear()
            return counts

        assert pulled() == (2, 0)
        mirror.faults.append(times(1, blob.digest, lambda each: each.answer(200, b"x" * len(blob.content))))
        assert pulled() == (2, 1)
        mirror.faults[:] = [times(9, "/blobs/", lambda each: each.answer(404))]
        assert pulled() == (2, 2)
        mirror.faults[:] = [times(99, "/v2/", lambda each: each.answer(404))]
        assert pulled() == (0, 2)


@pytest.mark.usefixtures("impatient")
def test_a_mirror_that_alone_is_in_reach_must_be_tried_again(
    client: Client, server: RegistryServer, image: RemoteImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A machine without the internet: the registry itself does not answer, the mirror hiccups."""
    (blob,) = image.layers
    with RegistryProxy(server.host) as mirror:
        _with_settings(monkeypatch, tmp_path, f'[registry."127.0.0.1:1"]\nmirrors = ["http://{mirror.host}"]\n')
        mirror.faults.append(times(2, blob.digest, lambda each: each.cut()))
        mirror.faults.append(times(2, blob.digest, lambda each: each.answer(503)))
        distribution = Distribution(client.database, client.store)
        assert distribution.pull("127.0.0.1:1/mirrors/image:1").image.id == image.id
        distribution.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[registry", "is not valid TOML"),
        ("[registries.x]\n", "unknown key `registries`"),
        ('[registry.x]\nmirror = "y"\n', "unknown key `mirror` of registry `x`"),
        ('[registry.x]\ninsecure = "yes"\n', "`insecure` of registry `x` is not true or false"),
        ('[registry.x]\nmirrors = ["mirror.example.com"]\n', "is not a list of URLs"),
        ('[registry.x]\nca = "nope.pem"\n', "which is not there"),
        ('[registry.x]\nclient-key = "registries.toml"\n', "needs both"),
    ],
)
def test_settings_that_are_wrong_must_be_named(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
):
    """The file, the registry, and what was expected."""
    _with_settings(monkeypatch, tmp_path, text)
    with pytest.raises(InvalidArgument, match=message):
        Distribution(client.database, client.store)


def test_a_proxy_of_the_environment_must_be_used_except_for_this_machine(
    client: Client, server: RegistryServer, proxy: RegistryProxy, image: RemoteImage, monkeypatch: pytest.MonkeyPatch
):
    """`http_proxy`, with its user; loopback and `no_proxy` are reached directly."""
    monkeypatch.setenv("http_proxy", "http://user:word@127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "127.0.0.1:1")
    assert client.distribution.pull(f"{server.host}/mirrors/image:1").is_new
    with pytest.raises(Unavailable, match=r"cannot reach `registry\.example\.com`"):
        client.distribution.pull("registry.example.com/x/y:1")
