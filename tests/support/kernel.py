"""What the tests ask the kernel themselves, so that no part of the project vouches for itself.

Links and nftables tables through raw netlink messages (linux/netlink.h, linux/rtnetlink.h,
linux/netfilter/nf_tables.h), control groups and processes through their file systems.
"""

import ctypes
import os
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_DELLINK = 17
NFNL_SUBSYS_NFTABLES, NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END = 10, 0x10, 0x11
NFT_MSG_GETTABLE, NFT_MSG_DELTABLE, NFTA_TABLE_NAME = 1, 2, 1
PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Make this process the parent of whatever its descendants leave behind (prctl(2))."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def links() -> dict[str, int]:
    """Return the index of every network link of this namespace by its name."""
    return {name: index for index, name in socket.if_nameindex()}


def alias(link: str) -> str:
    """Return the alias of a link, empty when it has none or is gone."""
    try:
        return Path(f"/sys/class/net/{link}/ifalias").read_text().strip()
    except OSError:
        return ""


def delete_link(index: int) -> None:
    """Delete a link; one that is gone already is fine."""
    with _netlink(NETLINK_ROUTE) as kernel:
        body = struct.pack("=BBHiII", socket.AF_UNSPEC, 0, 0, index, 0, 0)
        kernel.send(_message(RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, body))
        kernel.recv(65536)


def tables() -> dict[str, int]:
    """Return the address family of every nftables table of this namespace by its name."""
    found = {}
    with _netlink(NETLINK_NETFILTER) as kernel:
        kernel.send(_message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, NLM_F_REQUEST | NLM_F_DUMP, _nfgenmsg(0)))
        for body in _answers(kernel):
            family = body[0]
            for kind, value in _attributes(body[4:]):
                if kind == NFTA_TABLE_NAME:
                    found[value.rstrip(b"\0").decode()] = family
    return found


def delete_table(name: str, family: int) -> None:
    """Delete a table with all that is in it, in a batch of its own."""
    text = name.encode() + b"\0"
    attribute = struct.pack("=HH", 4 + len(text), NFTA_TABLE_NAME) + text + b"\0" * (-len(text) % 4)
    batch = struct.pack("=BBH", 0, 0, socket.htons(NFNL_SUBSYS_NFTABLES))
    with _netlink(NETLINK_NETFILTER) as kernel:
        kernel.send(
            _message(NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, batch)
            + _message(
                NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE,
                NLM_F_REQUEST | NLM_F_ACK,
                _nfgenmsg(family) + attribute,
            )
            + _message(NFNL_MSG_BATCH_END, NLM_F_REQUEST, batch)
        )
        kernel.recv(65536)


def cgroups() -> list[Path]:
    """Return every control group below one named `pycompose`, deepest first, in all hierarchies."""
    return sorted(_cgroups(), key=lambda path: (-len(path.parts), path))


def _cgroups() -> Iterator[Path]:
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split()
        if kind not in {"cgroup", "cgroup2"}:
            continue
        for top, folders, _ in os.walk(mount):
            if Path(top).name == "pycompose":
                yield from (Path(top, folder) for folder in folders)
                yield from (
                    Path(inner, name)
                    for folder in folders
                    for inner, names, _ in os.walk(Path(top, folder))
                    for name in names
                )
                folders.clear()


def network_namespaces(pid: int | str) -> set[int]:
    """Return the inodes of the network namespaces a process is in or holds descriptors of."""
    found = set()
    try:
        entries = [Path(f"/proc/{pid}/ns/net"), *Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return found
    for entry in entries:
        try:
            match = re.fullmatch(r"net:\[(\d+)\]", str(entry.readlink()))
        except OSError:
            continue
        if match:
            found.add(int(match[1]))
    return found


def processes() -> dict[int, int]:
    """Return the parent of every process."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            found[int(entry.name)] = int(fields[1])
    return found


def descendants(pid: int) -> set[int]:
    """Return every process below one."""
    parents = processes()
    found: set[int] = set()
    grown = {pid}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown} - found
        found |= grown
    return found


def mentions(pid: int, text: bytes) -> bool:
    """Whether a process has a text in its environment or its command line."""
    for name in ("environ", "cmdline"):
        try:
            if text in Path(f"/proc/{pid}/{name}").read_bytes():
                return True
        except OSError:
            continue
    return False


def command_line(pid: int) -> str:
    """Return a process's command line for a report, or its name where there is none."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return words or Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "(gone)"


def _netlink(protocol: int) -> socket.socket:
    kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    kernel.settimeout(5)
    return kernel


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body


def _nfgenmsg(family: int) -> bytes:
    return struct.pack("=BBH", family, 0, 0)


def _answers(kernel: socket.socket) -> Iterator[bytes]:
    while True:
        answer = kernel.recv(262144)
        while answer:
            length, kind = struct.unpack_from("=IH", answer)
            if kind == NLMSG_DONE:
                return
            if kind == NLMSG_ERROR:
                number = -struct.unpack_from("=i", answer, 16)[0]
                raise OSError(number, os.strerror(number), "nftables")
            yield answer[16:length]
            answer = answer[(length + 3) & ~3 :]


def _attributes(body: bytes) -> Iterator[tuple[int, bytes]]:
    while len(body) >= 4:
        length, kind = struct.unpack_from("=HH", body)
        yield kind & 0x3FFF, body[4:length]
        body = body[(length + 3) & ~3 :]
