"""Registries behind the proxy of a company: HTTP_PROXY, HTTPS_PROXY, NO_PROXY."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from runtime.errors import Unavailable
from runtime.image.distribution import Distribution
from tests.integration.image.tars import Entry, folder, layer
from tests.integration.registry.conftest import Client
from tests.support import registry
from tests.support.certificates import authority, issued
from tests.support.forward_proxy import PASSWORD, USER, ForwardProxy
from tests.support.registry import RegistryServer, RemoteImage

TAR = layer(folder("./"), Entry("hello", b"world"))
PLAIN, ENCRYPTED = "plain.registry.test:5000", "registry.test:5000"


@pytest.fixture
def image(server: RegistryServer) -> RemoteImage:
    """Put an image into the registry."""
    return registry.put(server.host, "proxies/image", "1", registry.image(TAR))


@pytest.fixture
def proxy(
    client: Client, server: RegistryServer, image: RemoteImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ForwardProxy]:
    """Start a proxy that alone knows two registries, one of them encrypted."""
    ca = authority(tmp_path)
    own = issued(tmp_path, "server", ca)
    settings = tmp_path / "registries.toml"
    settings.write_text(f'[registry."{PLAIN}"]\ninsecure = true\n[registry."{ENCRYPTED}"]\nca = "{ca.certificate}"\n')
    monkeypatch.setenv("PYCOMPOSE_REGISTRIES", str(settings))
    with (
        RegistryServer(tmp_path / "encrypted", tls=(own.certificate, own.key)) as encrypted,
        ForwardProxy({PLAIN: server.host, ENCRYPTED: encrypted.host}) as started,
    ):
        yield started


def _set(monkeypatch: pytest.MonkeyPatch, proxy: ForwardProxy, *names: str) -> None:
    for name in names:
        monkeypatch.setenv(name, f"http://{USER}:{quote(PASSWORD)}@{proxy.host}")


@pytest.mark.parametrize("names", [("HTTP_PROXY", "HTTPS_PROXY"), ("http_proxy", "https_proxy"), ("ALL_PROXY",)])
def test_registries_must_be_reached_through_the_proxy(
    client: Client, proxy: ForwardProxy, image: RemoteImage, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
):
    """By plain HTTP and by TLS, with the proxy's own name and password; push and pull."""
    _set(monkeypatch, proxy, *names)
    distribution = Distribution(client.database, client.store)
    assert distribution.pull(f"{PLAIN}/proxies/image:1").image.id == image.id
    client.store.tag(f"{PLAIN}/proxies/image:1", f"{ENCRYPTED}/proxies/copy:1")
    pushed = distribution.push(f"{ENCRYPTED}/proxies/copy:1")
    assert distribution.pull(f"{ENCRYPTED}/proxies/copy:1").digest == pushed.digest
    distribution.close()
    assert f"GET {PLAIN}" in proxy.seen
    assert {each for each in proxy.seen if ENCRYPTED in each and PLAIN not in each} == {f"CONNECT {ENCRYPTED}"}


@pytest.mark.parametrize(
    "exception", [".registry.test", "registry.test", "registry.test:5000", "*", "a, registry.test"]
)
def test_what_needs_no_proxy_must_be_reached_without(
    client: Client, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch, exception: str
):
    """NO_PROXY names hosts and domains; here nobody but the proxy knows the name."""
    _set(monkeypatch, proxy, "HTTP_PROXY", "HTTPS_PROXY")
    monkeypatch.setenv("NO_PROXY", exception)
    distribution = Distribution(client.database, client.store)
    with pytest.raises(Unavailable, match=r"cannot reach `registry\.test:5000`: "):
        distribution.pull(f"{ENCRYPTED}/proxies/image:1")
    distribution.close()
    assert proxy.seen == []


def test_a_proxy_that_refuses_must_be_said(client: Client, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch):
    """It is the proxy, not the registry, that wants another password."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://nobody:wrong@{proxy.host}")
    distribution = Distribution(client.database, client.store)
    with pytest.raises(Unavailable, match=r"cannot reach `registry\.test:5000`: .*407"):
        distribution.pull(f"{ENCRYPTED}/proxies/image:1")
    distribution.close()
