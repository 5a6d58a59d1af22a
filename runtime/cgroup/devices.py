"""Which device nodes a group may use: `devices.allow` in version 1, an eBPF program in version 2.

A rule is `type major:minor access`; the last one that matches decides, and nothing is allowed
without one. The defaults are Docker's (moby, daemon/pkg/oci/defaults.go).
"""

import errno
import os
import re
import stat
import struct
from collections.abc import Iterable, Sequence

from runtime.cgroup import files
from runtime.errors import InvalidArgument, SyscallError
from runtime.syscall import bpf
from schemas.dataclass import dataclass
from schemas.engine.specs import Device

_RULE = re.compile(r"([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})")


@dataclass(frozen=True, slots=True)
class DeviceRule:
    """One allowed set of devices. `type` is a, b or c; None stands for every number."""

    type: str
    major: int | None
    minor: int | None
    access: str

    def __str__(self) -> str:
        return f"{self.type} {_star(self.major)}:{_star(self.minor)} {self.access}"


ALL = DeviceRule("a", None, None, "rwm")
DEFAULT_RULES = (
    DeviceRule("c", None, None, "m"),
    DeviceRule("b", None, None, "m"),
    DeviceRule("c", 1, 3, "rwm"),
    DeviceRule("c", 1, 5, "rwm"),
    DeviceRule("c", 1, 7, "rwm"),
    DeviceRule("c", 1, 8, "rwm"),
    DeviceRule("c", 1, 9, "rwm"),
    DeviceRule("c", 5, 0, "rwm"),
    DeviceRule("c", 5, 1, "rwm"),
    DeviceRule("c", 5, 2, "rwm"),
    DeviceRule("c", 136, None, "rwm"),
)
"""Making any node; null zero full random urandom tty console ptmx and the pseudo terminals."""


def parse_rule(text: str) -> DeviceRule:
    """Read a `device_cgroup_rules` entry like `c 1:3 mr`; raise InvalidArgument."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise InvalidArgument(f"invalid device cgroup rule `{text}`", hint="write it like `c 1:3 mr`")
    kind, major, minor, access = match.groups()
    return DeviceRule(kind, _number(major), _number(minor), access)


def rules_for(devices: Sequence[Device], extra: Iterable[str], privileged: bool) -> tuple[DeviceRule, ...]:
    """Return a container's rules: everything when privileged, else the defaults, its devices, its own rules."""
    if privileged:
        return (ALL,)
    own = [rule for device in devices for rule in _device_rules(device)]
    return (*DEFAULT_RULES, *own, *map(parse_rule, extra))


def apply_legacy(folder: str, rules: Iterable[DeviceRule]) -> None:
    """Replace the rules of a version 1 `devices` folder. Raises SyscallError."""
    files.write(folder, "devices.deny", "a")
    files.write(folder, "devices.allow", *("a" if rule == ALL else str(rule) for rule in rules))


def apply_unified(folder: str, rules: Sequence[DeviceRule]) -> None:
    """Attach a device program to a version 2 folder; without the right to (rootless) there is none.

    Raises SyscallError.
    """
    if ALL in rules:
        return
    try:
        program = bpf.load_device_program(assemble(rules))
    except SyscallError as error:
        if error.errno == errno.EPERM and os.geteuid() != 0:
            return
        raise
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        bpf.attach_device_program(descriptor, program)
    finally:
        os.close(descriptor)
        os.close(program)


def _device_rules(device: Device) -> list[DeviceRule]:
    return [rule for path in device_nodes(device.source) if (rule := _node_rule(path, device.permissions))]


def device_nodes(source: str) -> list[str]:
    """Return the nodes that a host path stands for: itself, or all below it when it is a folder."""
    if not os.path.isdir(source):
        return [source]
    return [f"{folder}/{name}" for folder, _, names in os.walk(source) for name in sorted(names)]


def _node_rule(path: str, access: str) -> DeviceRule | None:
    try:
        status = os.stat(path)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise InvalidArgument(f"error gathering device information while adding device `{path}`: {reason}") from error
    kind = "c" if stat.S_ISCHR(status.st_mode) else "b" if stat.S_ISBLK(status.st_mode) else ""
    return DeviceRule(kind, os.major(status.st_rdev), os.minor(status.st_rdev), access) if kind else None


def _star(number: int | None) -> str:
    return "*" if number is None else str(number)


def _number(text: str) -> int | None:
    return None if text == "*" else int(text)


# --- the eBPF program. Registers: r2 type, r3 access, r4 major, r5 minor; r1 is the context, then scratch.
# Context (struct bpf_cgroup_dev_ctx): access_type = access << 16 | type, major, minor.
_LOAD_WORD, _AND, _SHIFT_RIGHT, _MOVE_REGISTER = 0x61, 0x54, 0x74, 0xBC
_JUMP_UNLESS_EQUAL, _JUMP_UNLESS_EQUAL_REGISTER, _MOVE, _EXIT = 0x55, 0x5D, 0xB7, 0x95
_TYPES = {"b": 1, "c": 2}
_ACCESSES = {"m": 1, "r": 2, "w": 4}
_EVERY_ACCESS = 7


def assemble(rules: Sequence[DeviceRule]) -> bytes:
    """Return a BPF_PROG_TYPE_CGROUP_DEVICE program that allows exactly what the rules do.

    The kernel asks for all accesses at once: a rule allows when its own access covers them.
    """
    code = [
        _instruction(_LOAD_WORD, 2, 1, 0),
        _instruction(_AND, 2, immediate=0xFFFF),
        _instruction(_LOAD_WORD, 3, 1, 0),
        _instruction(_SHIFT_RIGHT, 3, immediate=16),
        _instruction(_LOAD_WORD, 4, 1, 4),
        _instruction(_LOAD_WORD, 5, 1, 8),
    ]
    for rule in rules:
        code += _rule_code(rule)
    code += [_instruction(_MOVE, 0, immediate=0), _instruction(_EXIT)]
    return b"".join(code)


def _rule_code(rule: DeviceRule) -> list[bytes]:
    access = sum(_ACCESSES[letter] for letter in set(rule.access))
    tests: list[tuple[int, int, int, int]] = []  # opcode, destination, source, immediate
    if rule.type != "a":
        tests.append((_JUMP_UNLESS_EQUAL, 2, 0, _TYPES[rule.type]))
    if access != _EVERY_ACCESS:
        tests += [(_MOVE_REGISTER, 1, 3, 0), (_AND, 1, 0, access), (_JUMP_UNLESS_EQUAL_REGISTER, 1, 3, 0)]
    if rule.major is not None:
        tests.append((_JUMP_UNLESS_EQUAL, 4, 0, rule.major))
    if rule.minor is not None:
        tests.append((_JUMP_UNLESS_EQUAL, 5, 0, rule.minor))
    code = []
    for position, (opcode, destination, source, immediate) in enumerate(tests):
        jumps = opcode in (_JUMP_UNLESS_EQUAL, _JUMP_UNLESS_EQUAL_REGISTER)
        offset = len(tests) - position - 1 + 2 if jumps else 0
        code.append(_instruction(opcode, destination, source, offset, immediate))
    return [*code, _instruction(_MOVE, 0, immediate=1), _instruction(_EXIT)]


def _instruction(opcode: int, destination: int = 0, source: int = 0, offset: int = 0, immediate: int = 0) -> bytes:
    return struct.pack("<BBhi", opcode, source << 4 | destination, offset, immediate)
