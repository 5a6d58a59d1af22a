"""Device rules and the eBPF program that stands for them, run by a small interpreter of eBPF."""

import struct

import pytest

from runtime.cgroup.devices import ALL, DEFAULT_RULES, DeviceRule, assemble, parse_rule, rules_for
from runtime.errors import EngineError
from schemas.engine.specs import Device

ACCESS = {"m": 1, "r": 2, "w": 4}


def _allows(program: bytes, kind: str, major: int, minor: int, access: str) -> bool:
    context = [sum(ACCESS[letter] for letter in access) << 16 | {"b": 1, "c": 2}[kind], major, minor]
    registers = [0] * 11
    code = list(struct.iter_unpack("<BBhi", program))
    position = 0
    while True:
        opcode, pair, offset, immediate = code[position]
        destination, source = pair & 15, pair >> 4
        position += 1
        match opcode:
            case 0x61:
                registers[destination] = context[offset // 4]
            case 0x54:
                registers[destination] &= immediate
            case 0x74:
                registers[destination] >>= immediate
            case 0xBC:
                registers[destination] = registers[source]
            case 0xB7:
                registers[destination] = immediate
            case 0x55:
                position += offset if registers[destination] != immediate else 0
            case 0x5D:
                position += offset if registers[destination] != registers[source] else 0
            case 0x95:
                return registers[0] == 1
            case other:
                raise AssertionError(f"unknown opcode {other:#x}")


@pytest.mark.parametrize(
    ("kind", "major", "minor", "access", "allowed"),
    [
        ("c", 1, 3, "rw", True),
        ("c", 136, 9, "rw", True),
        ("c", 5, 2, "rw", True),
        ("c", 1, 11, "r", False),
        ("c", 1, 11, "m", True),
        ("b", 8, 0, "m", True),
        ("b", 8, 0, "r", False),
        ("b", 1, 3, "r", False),
        ("c", 10, 229, "rw", False),
    ],
)
def test_the_program_must_decide_as_docker_does(kind: str, major: int, minor: int, access: str, allowed: bool):
    """Making any node is allowed, using one only if it is on Docker's list."""
    assert _allows(assemble(DEFAULT_RULES), kind, major, minor, access) is allowed


def test_a_rule_must_allow_no_more_than_its_accesses():
    """`r` is not `rw`; several letters at once are covered by one rule."""
    program = assemble((DeviceRule("c", 10, None, "r"), DeviceRule("b", None, 7, "rw")))
    assert _allows(program, "c", 10, 1, "r")
    assert not _allows(program, "c", 10, 1, "rw")
    assert _allows(program, "b", 99, 7, "rw")
    assert not _allows(program, "b", 99, 8, "r")


@pytest.mark.parametrize("text", ["c 1:3 rwm", "b *:* r", "a 5:* wm"])
def test_a_rule_must_read_back(text: str):
    """What Compose calls device_cgroup_rules."""
    assert str(parse_rule(text)) == text


@pytest.mark.parametrize("text", ["", "c 1:3", "d 1:3 r", "c 1:3 rx", "c -1:3 r", "c 1:3 rwmr", "c 1:3 r\nb *:* rwm"])
def test_a_broken_rule_must_be_refused(text: str):
    """Nothing is guessed, and no second line gets in."""
    with pytest.raises(EngineError, match="invalid device cgroup rule"):
        parse_rule(text)


def test_rules_must_be_defaults_devices_and_own_ones():
    """The node that a device names counts with its permissions; privileged is everything."""
    rules = rules_for((Device("/dev/null", "/dev/x", "r"),), ("c 7:* rw",), False)
    assert rules == (*DEFAULT_RULES, DeviceRule("c", 1, 3, "r"), DeviceRule("c", 7, None, "rw"))
    assert rules_for((), (), True) == (ALL,)
