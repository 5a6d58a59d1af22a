"""The three files that tell a container about its network: hosts, hostname, resolv.conf.

What goes into them comes from users, so that a value with a control character, above all a line end,
is refused: it would add lines of its own. Sources: hosts(5), resolv.conf(5), libnetwork.
"""

from collections.abc import Sequence
from pathlib import Path

from runtime.errors import InvalidArgument
from runtime.resolver.sockets import RESOLVER_ADDRESS
from runtime.resolver.upstreams import HOST_RESOLV_CONF, parse, valid_addresses
from schemas.engine.records import EndpointRecord
from schemas.engine.specs import ContainerSpec

HOST_GATEWAY = "host-gateway"
"""As an address of extra_hosts: the host, as seen from the container."""

_LOCAL = ("127.0.0.1\tlocalhost",)
_LOCAL_IPV6 = (
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::\tip6-localnet",
    "ff00::\tip6-mcastprefix",
    "ff02::1\tip6-allnodes",
    "ff02::2\tip6-allrouters",
)
_HOST_HOSTS = Path("/etc/hosts")


def container_files(spec: ContainerSpec, endpoints: Sequence[EndpointRecord], hostname: str) -> dict[str, str]:
    """Return the texts of `hosts`, `hostname` and `resolv.conf`.

    Raises InvalidArgument for a name, address, search domain or option that cannot be written down.
    """
    host = _read(HOST_RESOLV_CONF)
    return {
        "hosts": hosts(spec, endpoints, hostname, _read(_HOST_HOSTS) if spec.network_mode == "host" else ""),
        "hostname": f"{_clean(hostname, 'hostname')}\n",
        "resolv.conf": resolv_conf(spec, bool(endpoints), host),
    }


def hosts(spec: ContainerSpec, endpoints: Sequence[EndpointRecord], hostname: str, of_host: str = "") -> str:
    """Return /etc/hosts: the loopback, extra_hosts, then the container's own addresses.

    With the host's network it begins with the host's own file.
    """
    lines = of_host.splitlines() if spec.network_mode == "host" else [*_LOCAL, *_LOCAL_IPV6]
    lines += _extra_lines(spec.extra_hosts, endpoints)
    own = _clean(hostname, "hostname")
    if spec.domainname:
        own = f"{own}.{_clean(spec.domainname, 'domainname')} {own}"
    for endpoint in endpoints:
        lines += [f"{each}\t{own}" for each in (endpoint.ipv4_address, endpoint.ipv6_address) if each]
    return "\n".join(lines) + "\n"


def hosts_of_step(extra_hosts: Sequence[tuple[str, str]], endpoints: Sequence[EndpointRecord], hostname: str) -> str:
    """Return /etc/hosts for a step of a build: whatever its network, its own name leads to the loopback.

    Raises InvalidArgument. Source: BuildKit, executor/oci/hosts.go.
    """
    lines = [f"127.0.0.1\tlocalhost {hostname}", "::1\tlocalhost ip6-localhost ip6-loopback"]
    return "\n".join([*lines, *_extra_lines(extra_hosts, endpoints)]) + "\n"


def resolv_conf(spec: ContainerSpec, has_resolver: bool, of_host: str) -> str:
    """Return /etc/resolv.conf, which leads to the embedded server where there is one.

    Without one (host, none) it names the servers of `dns`, or the host's.
    """
    servers, search, options = parse(of_host)
    servers = [_server(each) for each in spec.dns] or servers
    search = [_clean(each, "dns_search") for each in spec.dns_search if each != "."] if spec.dns_search else search
    options = [_clean(each, "dns_opt") for each in spec.dns_options] or options
    if has_resolver:
        if not any(each.startswith("ndots:") for each in options):
            options = [*options, "ndots:0"]
        lines = [f"nameserver {RESOLVER_ADDRESS}"]
    else:
        lines = [f"nameserver {each}" for each in servers]
    if search:
        lines.append("search " + " ".join(search))
    if options:
        lines.append("options " + " ".join(options))
    if has_resolver:
        lines += ["", f"# ExtServers: [{' '.join(servers)}]"]
    return "\n".join(lines) + "\n"


def _extra_lines(extra_hosts: Sequence[tuple[str, str]], endpoints: Sequence[EndpointRecord]) -> list[str]:
    return [
        f"{each}\t{_clean(name, 'extra_hosts')}"
        for name, address in extra_hosts
        for each in _addresses(address, endpoints)
    ]


def _addresses(address: str, endpoints: Sequence[EndpointRecord]) -> list[str]:
    if address != HOST_GATEWAY:
        return [_server(address)]
    leading = next((each for each in endpoints if each.default_gateway), endpoints[0] if endpoints else None)
    if leading is None:
        return ["127.0.0.1"]
    return [each for each in (leading.gateway, leading.ipv6_gateway) if each] or ["127.0.0.1"]


def _server(value: str) -> str:
    address = _clean(value, "address").strip("[]")
    if not valid_addresses([address]):
        raise InvalidArgument(f"`{value}` is not an IP address")
    return address


def _clean(value: str, what: str) -> str:
    if not value or not value.isprintable() or any(each.isspace() for each in value) or "#" in value:
        raise InvalidArgument(f"{what}: `{value!r}` cannot stand in a line of a file", hint="no spaces, no line ends")
    return value


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
