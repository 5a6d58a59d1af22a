"""Networks, and a service's place on one. Source: compose-spec, 06-networks.md, 05-services.md, networks."""

from schemas.composefile.base import Model
from schemas.composefile.frozen import EMPTY, Frozen


class IPAMPool(Model):
    """One subnet of a network."""

    subnet: str = ""
    """The subnet, such as `172.28.0.0/16`."""
    gateway: str = ""
    """The gateway's address; the first unless set."""
    ip_range: str = ""
    """The part of the subnet from which containers get addresses."""
    aux_addresses: Frozen[str, str] = EMPTY
    """Addresses that no container gets, by host name."""


class IPAMConfig(Model):
    """How a network's addresses are given."""

    driver: str = ""
    """The driver that gives them; `default` unless set."""
    config: tuple[IPAMPool, ...] = ()
    """The subnets; one from the pool unless set."""
    options: Frozen[str, str] = EMPTY
    """Options of the driver."""


class NetworkConfig(Model):
    """A network of the project."""

    name: str = ""
    """The real name: `<project>_<key>` unless set."""
    driver: str = ""
    """The kind of network: `bridge` unless set."""
    driver_opts: Frozen[str, str] = EMPTY
    """Options of the driver."""
    ipam: IPAMConfig = IPAMConfig.model_construct()
    """How addresses are given."""
    external: bool = False
    """It exists already: it is neither made nor removed."""
    internal: bool = False
    """Nothing outside is reached from it."""
    attachable: bool = False
    """Containers that belong to no service may join (clusters)."""
    enable_ipv4: bool | None = None
    """Containers get IPv4 addresses."""
    enable_ipv6: bool | None = None
    """Containers get IPv6 addresses."""
    labels: Frozen[str, str] = EMPTY
    """Labels of the network."""


class ServiceNetwork(Model):
    """A service's place on one network."""

    aliases: tuple[str, ...] = ()
    """Further names of the service on this network."""
    driver_opts: Frozen[str, str] = EMPTY
    """Options of the network's driver for this place."""
    gw_priority: int = 0
    """The network with the highest is the way out; 0 unless set."""
    interface_name: str = ""
    """Name of the interface in the container, such as `eth1`."""
    ipv4_address: str = ""
    """A fixed address in one of the network's subnets."""
    ipv6_address: str = ""
    """A fixed address in one of the network's subnets."""
    link_local_ips: tuple[str, ...] = ()
    """Further addresses, of the link-local kind."""
    mac_address: str = ""
    """A fixed hardware address."""
    priority: int = 0
    """Networks are joined in this order, the highest first; 0 unless set."""
