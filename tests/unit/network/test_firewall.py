"""A project's rules, written out as nft(8) would list them."""

import struct
from pathlib import Path

from runtime.network import firewall, nftables
from runtime.network.firewall import BridgeNeeds, PortNeeds

GOLDEN = """\
table inet pycompose_x_shop {
  map ports4_at {
    127.0.0.1 . udp . 53 : 172.18.0.3 . 5353
  }
  map ports4_any {
    tcp . 8080 : 172.18.0.2 . 80
  }
  map ports6_at {
  }
  map ports6_any {
    tcp . 8080 : fd00:1::2 . 80
  }
  chain raw {
    type filter hook prerouting priority -300; policy accept;
    iifname != "lo" meta nfproto ipv4 ip daddr 127.0.0.0/8 drop
  }
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    fib daddr type local jump ports
  }
  chain output {
    type nat hook output priority -100; policy accept;
    fib daddr type local jump ports
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    meta nfproto ipv4 ip saddr 172.18.0.0/16 oifname != "pc-front" masquerade
    meta nfproto ipv4 ip saddr 172.18.0.0/16 oifname "pc-front" ct status dnat masquerade
    meta nfproto ipv6 ip6 saddr fd00:1::/64 oifname != "pc-front" masquerade
    meta nfproto ipv6 ip6 saddr fd00:1::/64 oifname "pc-front" ct status dnat masquerade
    oifname "pc-front" ct status dnat fib saddr type local masquerade
    meta nfproto ipv4 ip saddr 172.20.0.0/20 oifname "pc-quiet" ct status dnat masquerade
    oifname "pc-quiet" ct status dnat fib saddr type local masquerade
  }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname "pc-back" oifname != "pc-back" drop
    oifname "pc-front" jump to_pc-front
    oifname "pc-back" jump to_pc-back
    oifname "pc-quiet" jump to_pc-quiet
  }
  chain ports {
    meta nfproto ipv4 dnat ip to ip daddr . meta l4proto . th dport map @ports4_at
    meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ports4_any
    meta nfproto ipv6 dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports6_at
    meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @ports6_any
  }
  chain to_pc-front {
    ct state established,related accept
    iifname "pc-front" accept
    ct status dnat accept
    counter drop
  }
  chain to_pc-back {
    ct state established,related accept
    iifname "pc-back" accept
    counter drop
  }
  chain to_pc-quiet {
    ct state established,related accept
    iifname "pc-quiet" drop
    ct status dnat accept
    counter drop
  }
}"""

FRONT = BridgeNeeds("pc-front", ("172.18.0.0/16", "fd00:1::/64"))
BACK = BridgeNeeds("pc-back", ("172.19.0.0/16",), internal=True)
QUIET = BridgeNeeds("pc-quiet", ("172.20.0.0/20",), masquerade=False, inter_container=False)
WEB = PortNeeds("tcp", "0.0.0.0", 8080, "172.18.0.2", 80)
WEB6 = PortNeeds("tcp", "::", 8080, "fd00:1::2", 80)
DNS = PortNeeds("udp", "127.0.0.1", 53, "172.18.0.3", 5353)


def test_the_rules_of_a_project_must_be_these() -> None:
    """Internal networks are cut off before published ports are let through; a network drops the rest."""
    assert str(firewall.plan("pycompose_x_shop", [FRONT, BACK, QUIET], [WEB, WEB6, DNS])) == GOLDEN


def test_a_port_more_must_be_one_element() -> None:
    """Not a new table: thirty containers that start send thirty elements."""
    before = firewall.plan("t", [FRONT], [WEB])
    after = firewall.with_ports(before, [DNS])
    assert after == firewall.plan("t", [FRONT], [WEB, DNS])
    assert [subject for _, subject in firewall.difference(before, after)] == [
        "ports4_at 127.0.0.1 . udp . 53 : 172.18.0.3 . 5353"
    ]
    assert firewall.difference(after, after) == []


def test_a_port_must_move_to_its_new_container() -> None:
    """The old element goes before the new one comes, in one transaction."""
    before = firewall.plan("t", [FRONT], [WEB, DNS])
    moved = PortNeeds("tcp", "0.0.0.0", 8080, "172.18.0.9", 80)
    after = firewall.with_ports(before, [moved])
    assert [subject for _, subject in firewall.difference(before, after)] == [
        "ports4_any tcp . 8080 : 172.18.0.2 . 80",
        "ports4_any tcp . 8080 : 172.18.0.9 . 80",
    ]


def test_another_network_must_replace_the_table() -> None:
    """Deleting and making are in one batch, so that no moment is without rules."""
    before = firewall.plan("t", [FRONT], [WEB])
    after = firewall.plan("t", [FRONT, BACK], [WEB])
    assert firewall.difference(before, after) == nftables.replacing(after)
    assert firewall.difference(None, after) == nftables.replacing(after)
    kinds = [struct.unpack_from("=H", message, 4)[0] & 0xFF for message, _ in nftables.replacing(after)]
    assert kinds[:3] == [0, 2, 0], "made to be deleted, deleted, made"


def test_many_ports_must_fit_into_messages() -> None:
    """The length of an attribute has 16 bits; a thousand elements need several messages."""
    ports = [PortNeeds("tcp", "0.0.0.0", 10000 + each, "172.18.0.2", 80) for each in range(1000)]
    messages = firewall.difference(firewall.plan("t", [], []), firewall.plan("t", [], ports))
    assert len(messages) == 3
    assert all(len(message) < 1 << 16 for message, _ in messages)


def test_two_state_directories_must_not_share_a_table() -> None:
    """The same project under another PYCOMPOSE_ROOT is another project."""
    assert firewall.table_name(Path("/a"), "shop") != firewall.table_name(Path("/b"), "shop")
    assert firewall.table_name(Path("/a"), "shop").endswith("_shop")
