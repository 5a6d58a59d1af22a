"""How each registry is reached: mirrors, certificates, plain HTTP. From files, never from the network.

    # /etc/pycompose/registries.toml, or the file that PYCOMPOSE_REGISTRIES names
    [registry."docker.io"]
    mirrors = ["https://mirror.example.com"]      # asked first, in this order, when pulling

    [registry."registry.lan:5000"]
    insecure = true                               # a certificate nobody knows, or none at all
    ca = "/etc/pycompose/lan-ca.pem"
    client-certificate = "client.pem"             # paths are relative to the file
    client-key = "client.key"

Beside it, as Docker's users have them: `insecure-registries` and `registry-mirrors` of
/etc/docker/daemon.json, and certificates below /etc/docker/certs.d/<host>/ (*.crt, *.cert, *.key).
"""

import ipaddress
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path

from runtime.errors import InvalidArgument
from schemas.dataclass import dataclass

DOCKER_HUB = "docker.io"
_HUB_HOST = "registry-1.docker.io"
_FILE = Path("/etc/pycompose/registries.toml")
_DOCKER_FOLDER = Path("/etc/docker")
_KEYS = frozenset({"mirrors", "insecure", "ca", "client-certificate", "client-key"})


@dataclass(frozen=True, slots=True)
class HostSettings:
    """How one host is reached."""

    insecure: bool = False
    """Plain HTTP and certificates of unknown issuers are fine."""
    ca_files: tuple[Path, ...] = ()
    """Certificates to trust beside the machine's own."""
    client_certificate: Path | None = None
    client_key: Path | None = None
    mirrors: tuple[str, ...] = ()
    """URLs without a path."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is known of all hosts."""

    hosts: Mapping[str, HostSettings] = field(default_factory=dict)
    """By `host[:port]` as in references."""
    insecure_networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    certificates: Path = _DOCKER_FOLDER / "certs.d"

    def of(self, host: str) -> HostSettings:
        """Return the settings of `host[:port]`. Raises InvalidArgument for an incomplete client certificate."""
        known = self.hosts.get(host)
        if known is None:
            known = HostSettings(insecure=self._is_insecure(host))
        return _with_certificates(known, self.certificates / host)

    def _is_insecure(self, host: str) -> bool:
        if is_loopback(host):
            return True
        try:
            address = ipaddress.ip_address(name_of(host))
        except ValueError:
            return False
        return any(address in network for network in self.insecure_networks)


def is_loopback(host: str) -> bool:
    """Whether `host[:port]` can only be this machine."""
    name = name_of(host)
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def name_of(host: str) -> str:
    """Return the host of `host[:port]`, without the brackets of an IPv6 address."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def api_host(domain: str) -> str:
    """Return which host answers for the domain of a reference."""
    return _HUB_HOST if domain == DOCKER_HUB else domain


def read_settings(environment: Mapping[str, str] = os.environ, docker: Path = _DOCKER_FOLDER) -> Settings:
    """Read the files. Raises InvalidArgument, naming the file, for what is wrong in ours; Docker's may be broken."""
    settings = _docker_settings(docker)
    named = environment.get("PYCOMPOSE_REGISTRIES", "")
    path = Path(named) if named else _FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        if named:
            raise InvalidArgument(f"PYCOMPOSE_REGISTRIES names `{path}`, which is not there") from None
        return settings
    except OSError as error:
        raise InvalidArgument(f"cannot read `{path}`: {(error.strerror or '').lower()}") from error
    try:
        document = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"`{path}` is not valid TOML: {error}") from error
    hosts = dict(settings.hosts)
    for host, table in _tables(path, document).items():
        hosts[host] = _host_settings(path, host, table)
    return replace(settings, hosts=hosts)


def _tables(path: Path, document: dict[str, object]) -> dict[str, dict[str, object]]:
    unknown = sorted(document.keys() - {"registry"})
    if unknown:
        raise InvalidArgument(
            f"`{path}`: unknown key `{unknown[0]}`", hint='hosts are written as `[registry."docker.io"]`'
        )
    tables = document.get("registry", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise InvalidArgument(f"`{path}`: `registry` is not a table of hosts")
    return tables


def _host_settings(path: Path, host: str, table: dict[str, object]) -> HostSettings:
    def wrong(key: str, expected: str) -> InvalidArgument:
        return InvalidArgument(f"`{path}`: `{key}` of registry `{host}` is not {expected}")

    def file(key: str) -> Path | None:
        value = table.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            raise wrong(key, "the name of a file")
        found = path.parent / value
        if not found.is_file():
            raise InvalidArgument(f"`{path}`: `{key}` of registry `{host}` names `{found}`, which is not there")
        return found

    unknown = sorted(table.keys() - _KEYS)
    if unknown:
        raise InvalidArgument(
            f"`{path}`: unknown key `{unknown[0]}` of registry `{host}`", hint=f"there are {', '.join(sorted(_KEYS))}"
        )
    insecure = table.get("insecure", False)
    if not isinstance(insecure, bool):
        raise wrong("insecure", "true or false")
    mirrors = table.get("mirrors", [])
    if not isinstance(mirrors, list) or not all(_is_mirror(each) for each in mirrors):
        raise wrong("mirrors", "a list of URLs without a path, such as `https://mirror.example.com`")
    ca = file("ca")
    certificate, key = file("client-certificate"), file("client-key")
    if (certificate is None) != (key is None):
        raise InvalidArgument(f"`{path}`: registry `{host}` needs both `client-certificate` and `client-key`")
    return HostSettings(insecure, (ca,) if ca else (), certificate, key, tuple(each.rstrip("/") for each in mirrors))


def _is_mirror(value: object) -> bool:
    if not isinstance(value, str):
        return False
    scheme, separator, host = value.rstrip("/").partition("://")
    return scheme in ("http", "https") and bool(separator) and bool(host) and not set("/?#@ ") & set(host)


def _docker_settings(folder: Path) -> Settings:
    try:
        document = json.loads((folder / "daemon.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        document = {}
    if not isinstance(document, dict):
        document = {}
    hosts: dict[str, HostSettings] = {}
    networks = []
    for each in _texts(document.get("insecure-registries")):
        try:
            networks.append(ipaddress.ip_network(each, strict=False))
        except ValueError:
            hosts[each] = HostSettings(insecure=True)
    mirrors = tuple(each.rstrip("/") for each in _texts(document.get("registry-mirrors")) if _is_mirror(each))
    if mirrors:
        hosts[DOCKER_HUB] = HostSettings(mirrors=mirrors)
    return Settings(hosts, tuple(networks), folder / "certs.d")


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _with_certificates(settings: HostSettings, folder: Path) -> HostSettings:
    """Add what stands in a folder of certificates (docs.docker.com/engine/security/certificates)."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        return settings
    authorities = tuple(folder / name for name in names if name.endswith(".crt"))
    certificate, key = settings.client_certificate, settings.client_key
    for name in names:
        if certificate is None and name.endswith(".cert"):
            partner = folder / (name.removesuffix(".cert") + ".key")
            if not partner.exists():
                raise InvalidArgument(f"`{folder / name}` has no key `{partner.name}` beside it")
            certificate, key = folder / name, partner
    return replace(
        settings, ca_files=(*settings.ca_files, *authorities), client_certificate=certificate, client_key=key
    )
