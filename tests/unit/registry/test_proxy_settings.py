"""Which proxy a registry is reached by, from the environment."""

import pytest

from runtime.registry.transport import proxy_for


@pytest.fixture(autouse=True)
def _proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set one, and none of the machine's own exceptions."""
    for name in ("http_proxy", "no_proxy", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "proxy.lan:3128")


@pytest.mark.parametrize(
    ("exceptions", "host", "is_direct"),
    [
        ("", "10.1.2.3:5000", False),
        ("10.0.0.0/8", "10.1.2.3:5000", True),
        ("localhost, 192.168.0.0/16 ,10.1.2.0/24", "10.1.2.3:5000", True),
        ("10.0.0.0/8", "11.1.2.3:5000", False),
        ("10.1.2.3", "10.1.2.3:5000", True),
        ("fd00::/8", "[fd00::1]:5000", True),
        ("10.0.0.0/8,lan", "registry.lan", True),
        ("10.0.0.0/99,rubbish", "10.1.2.3", False),
        ("", "127.0.0.1:5000", True),
        ("", "localhost:5000", True),
    ],
)
def test_networks_and_names_must_be_excepted(
    monkeypatch: pytest.MonkeyPatch, exceptions: str, host: str, is_direct: bool
) -> None:
    """NO_PROXY as Docker reads it: names, domains, addresses and networks; this machine never goes by a proxy."""
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert proxy_for("http", host) == ("" if is_direct else "http://proxy.lan:3128")
