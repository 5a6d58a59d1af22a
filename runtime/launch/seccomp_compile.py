"""A seccomp policy to classic BPF, without libseccomp.

Layout: the architecture, then for each a balanced tree over ranges of call numbers whose leaves
return an action or test arguments. Calls newer than our tables and the x32 interface answer ENOSYS,
so that a C library falls back (runc's patchbpf does the same). About 470 instructions and 2 ms for
Docker's profile; the program is kept for the next container.

Structure seccomp_data: nr 0, arch 4, instruction_pointer 8, args 16 + 8 * i, low word first.
"""

import os
import struct
from collections.abc import Iterable

from runtime.errors import Unsupported
from runtime.launch import seccomp_profile
from runtime.launch.seccomp_profile import KILL_PROCESS, NO_SUCH_CALL, Comparison, Policy, Rule
from runtime.syscall.constants import MACHINE

_LOAD, _JUMP, _RETURN, _AND = 0x20, 0x05, 0x06, 0x54
_EQUAL, _GREATER, _GREATER_EQUAL = 0x15, 0x25, 0x35
_WORD = 0xFFFFFFFF
_FAR = 255
"""A conditional jump reaches that far; further needs a jump of its own."""
_X32_BIT = 0x40000000
_FAIL = -1
"""Placeholder target in a comparison: the end of the rule."""

_AUDIT = {"x86_64": 0xC000003E, "x86": 0x40000003, "aarch64": 0xC00000B7, "arm": 0x40000028}
_FAMILIES = {"x86_64": ("x86_64", "x86"), "aarch64": ("aarch64", "arm")}

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, constant."""

_programs: dict[tuple[str, frozenset[str]], bytes] = {}


def program_for(profile: str, capabilities: Iterable[str]) -> bytes | None:
    """Return the BPF program of a bundle's `seccomp` setting, None for `unconfined`.

    The first call for a pair of profile and capabilities compiles, later ones find it in memory.
    Raises InvalidArgument, Unsupported.
    """
    if profile == "unconfined":
        return None
    key = (profile, frozenset(capabilities))
    if key not in _programs:
        if MACHINE not in _FAMILIES:
            raise Unsupported(f"no seccomp filter can be made for the architecture `{MACHINE}`")
        major, minor = os.uname().release.split(".")[:2]
        kernel = (int(major), int("".join(filter(str.isdigit, minor.split("-")[0])) or 0))
        policy = seccomp_profile.load(profile, key[1], MACHINE, kernel)
        _programs[key] = compile_policy(policy, _FAMILIES[MACHINE])
    return _programs[key]


def compile_policy(policy: Policy, architectures: Iterable[str]) -> bytes:
    """Return the program for these architectures; any other one is killed. Raises Unsupported when too long."""
    code: list[Instruction] = [(_LOAD, 0, 0, 4)]
    for architecture in architectures:
        block = _architecture_block(policy, architecture)
        code += [(_EQUAL, 1, 0, _AUDIT[architecture]), (_JUMP, 0, 0, len(block)), *block]
    code.append((_RETURN, 0, 0, KILL_PROCESS))
    if len(code) > 4096:
        raise Unsupported(f"the seccomp profile needs {len(code)} instructions, the kernel takes 4096")
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _architecture_block(policy: Policy, architecture: str) -> list[Instruction]:
    numbers = seccomp_profile.syscall_numbers(architecture)
    rules: dict[int, list[Rule]] = {}
    for rule in policy.rules:
        for name in rule.names:
            if name in numbers:
                rules.setdefault(numbers[name], []).append(rule)
    default: list[Instruction] = [(_RETURN, 0, 0, policy.default)]
    unknown: list[Instruction] = [(_RETURN, 0, 0, NO_SUCH_CALL)]
    segments: list[tuple[int, list[Instruction]]] = [(0, default)]
    # 32-bit arm has a few private numbers far above the common ones: nothing is known in between.
    common_end = max(number for number in numbers.values() if number < 0x10000) + 1
    for number in range(common_end):
        _extend(segments, number, _leaf(rules[number], policy.default) if number in rules else default)
    _extend(segments, common_end, unknown)
    for number in sorted(number for number in numbers.values() if number >= common_end):
        _extend(segments, number, _leaf(rules[number], policy.default) if number in rules else default)
        _extend(segments, number + 1, unknown)
    if architecture == "x86_64":
        _extend(segments, _X32_BIT, unknown)
    return [(_LOAD, 0, 0, 0), *_tree(segments)]


def _extend(segments: list[tuple[int, list[Instruction]]], start: int, leaf: list[Instruction]) -> None:
    """Let calls from `start` on end in `leaf`; a range that begins where the last one did replaces it."""
    if segments[-1][0] == start:
        segments.pop()
    if not segments or segments[-1][1] != leaf:
        segments.append((start, leaf))


def _tree(segments: list[tuple[int, list[Instruction]]]) -> list[Instruction]:
    if len(segments) == 1:
        return segments[0][1]
    middle = len(segments) // 2
    lower, upper = _tree(segments[:middle]), _tree(segments[middle:])
    start = segments[middle][0]
    if len(lower) <= _FAR:
        return [(_GREATER_EQUAL, len(lower), 0, start), *lower, *upper]
    return [(_GREATER_EQUAL, 0, 1, start), (_JUMP, 0, 0, len(lower)), *lower, *upper]


def _leaf(rules: list[Rule], default: int) -> list[Instruction]:
    code: list[Instruction] = []
    for rule in rules:
        if not rule.comparisons:
            return [*code, (_RETURN, 0, 0, rule.action)]
        body = [step for comparison in rule.comparisons for step in _compare(comparison)]
        end = len(body) + 1
        for position, (operation, if_true, if_false, constant) in enumerate(body):
            past = end - position - 1
            code.append(
                (operation, past if if_true == _FAIL else if_true, past if if_false == _FAIL else if_false, constant)
            )
        code.append((_RETURN, 0, 0, rule.action))
    return [*code, (_RETURN, 0, 0, default)]


def _compare(comparison: Comparison) -> list[Instruction]:
    """Return code that falls through when the 64-bit comparison holds and jumps to _FAIL when not."""
    low, high = 16 + 8 * comparison.index, 20 + 8 * comparison.index
    low_value, high_value = comparison.value & _WORD, comparison.value >> 32 & _WORD
    load_high, load_low = (_LOAD, 0, 0, high), (_LOAD, 0, 0, low)
    same_high = (_EQUAL, 0, _FAIL, high_value)
    match comparison.operation:
        case "EQ":
            return [load_high, same_high, load_low, (_EQUAL, 0, _FAIL, low_value)]
        case "NE":
            return [load_high, (_EQUAL, 0, 2, high_value), load_low, (_EQUAL, _FAIL, 0, low_value)]
        case "MASKED_EQ":
            low_mask, high_mask = comparison.mask & _WORD, comparison.mask >> 32 & _WORD
            first = [load_high, (_AND, 0, 0, high_mask), same_high]
            return [*first, load_low, (_AND, 0, 0, low_mask), (_EQUAL, 0, _FAIL, low_value)]
        case "GT" | "GE":
            test = _GREATER if comparison.operation == "GT" else _GREATER_EQUAL
            return [load_high, (_GREATER, 3, 0, high_value), same_high, load_low, (test, 0, _FAIL, low_value)]
        case "LT" | "LE":
            test = _GREATER_EQUAL if comparison.operation == "LT" else _GREATER
            return [
                load_high,
                (_GREATER, _FAIL, 0, high_value),
                (_EQUAL, 0, 2, high_value),
                load_low,
                (test, _FAIL, 0, low_value),
            ]
        case other:
            raise Unsupported(f"unknown seccomp comparison `{other}`")
