"""Networks, and a service's place on one. Source: compose-spec, 06-networks.md, 05-services.md, networks."""

from schemas.composefile.base import Model
from schemas.composefile.frozen import EMPTY, Frozen


class IPAMPool(Model):
    """One subnet of a network."""

    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    aux_addresses: Frozen[str, str] = EMPTY


class IPAMConfig(Model):
    """How a network's addresses are given."""

    driver: str = ""
    config: tuple[IPAMPool, ...] = ()
    options: Frozen[str, str] = EMPTY


class NetworkConfig(Model):
    """A top-level network."""

    name: str = ""
    """The real name: `<project>_<key>` unless given."""
    driver: str = ""
    driver_opts: Frozen[str, str] = EMPTY
    ipam: IPAMConfig = IPAMConfig.model_construct()
    external: bool = False
    internal: bool = False
    attachable: bool = False
    enable_ipv4: bool | None = None
    enable_ipv6: bool | None = None
    labels: Frozen[str, str] = EMPTY


class ServiceNetwork(Model):
    """A service's endpoint on one network."""

    aliases: tuple[str, ...] = ()
    driver_opts: Frozen[str, str] = EMPTY
    gw_priority: int = 0
    interface_name: str = ""
    ipv4_address: str = ""
    ipv6_address: str = ""
    link_local_ips: tuple[str, ...] = ()
    mac_address: str = ""
    priority: int = 0
