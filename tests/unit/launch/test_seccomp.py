"""The seccomp compiler: Docker's profile and others, run by a small interpreter of classic BPF."""

import json
import struct

import pytest

from runtime.errors import EngineError
from runtime.launch import seccomp_compile, seccomp_profile
from runtime.launch.defaults import DEFAULT_CAPABILITIES

ALLOW, EPERM, ENOSYS = "allow", 1, 38
AUDIT = {"x86_64": 0xC000003E, "x86": 0x40000003, "aarch64": 0xC00000B7, "arm": 0x40000028}
FAMILY = {"x86_64": ("x86_64", "x86"), "aarch64": ("aarch64", "arm")}


def _compile(profile: str = "default", capabilities=DEFAULT_CAPABILITIES, machine: str = "x86_64") -> bytes:
    policy = seccomp_profile.load(profile, frozenset(capabilities), machine, (6, 1))
    return seccomp_compile.compile_policy(policy, FAMILY[machine])


def _decide(program: bytes, call: str | int, *arguments: int, architecture: str = "x86_64") -> str | int:
    number = seccomp_profile.syscall_numbers(architecture)[call] if isinstance(call, str) else call
    padded = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    words = struct.unpack("=16I", struct.pack("=IIQ6Q", number, AUDIT[architecture], 0, *padded))
    code = list(struct.iter_unpack("=HBBI", program))
    accumulator, position = 0, 0
    while True:
        operation, if_true, if_false, constant = code[position]
        position += 1
        match operation:
            case 0x20:
                accumulator = words[constant // 4]
            case 0x54:
                accumulator &= constant
            case 0x05:
                position += constant
            case 0x15:
                position += if_true if accumulator == constant else if_false
            case 0x25:
                position += if_true if accumulator > constant else if_false
            case 0x35:
                position += if_true if accumulator >= constant else if_false
            case 0x06:
                return {0x7FFF0000: ALLOW, 0x80000000: "kill"}.get(constant, constant & 0xFFFF)
            case other:
                raise AssertionError(f"unknown operation {other:#x}")


@pytest.mark.parametrize(
    ("call", "arguments", "expected"),
    [
        ("read", (), ALLOW),
        ("openat2", (), ALLOW),
        ("ptrace", (), ALLOW),
        ("mount", (), EPERM),
        ("unshare", (), EPERM),
        ("keyctl", (), EPERM),
        ("bpf", (), EPERM),
        ("io_uring_setup", (), EPERM),
        ("userfaultfd", (), EPERM),
        ("open_by_handle_at", (), EPERM),
        ("clone3", (), ENOSYS),
        ("clone", (0x1200011,), ALLOW),
        ("clone", (0x10000000,), EPERM),
        ("clone", (0x20000,), EPERM),
        ("socket", (2,), ALLOW),
        ("socket", (38,), EPERM),
        ("socket", (39,), ALLOW),
        ("socket", (40,), EPERM),
        ("socket", (41,), ALLOW),
        ("socket", (1 << 40 | 2,), ALLOW),
        ("personality", (0,), ALLOW),
        ("personality", (0xFFFFFFFF,), ALLOW),
        ("personality", (0x40000,), EPERM),
        (600, (), ENOSYS),
        (0x40000000 + 39, (), ENOSYS),
    ],
)
def test_dockers_profile_must_decide_as_docker_does(call: str | int, arguments: tuple[int, ...], expected: str | int):
    """Plain calls, calls by their arguments, calls that need a capability, calls newer than we know, x32."""
    assert _decide(_compile(), call, *arguments) == expected


def test_every_call_must_be_decided_as_the_rules_say():
    """The tree of ranges loses no number: each call without arguments agrees with the profile's list."""
    policy = seccomp_profile.load("default", frozenset(DEFAULT_CAPABILITIES), "x86_64", (6, 1))
    program = seccomp_compile.compile_policy(policy, FAMILY["x86_64"])
    plain = {
        name
        for rule in policy.rules
        if not rule.comparisons and rule.action == seccomp_profile.ALLOW
        for name in rule.names
    }
    conditional = {name for rule in policy.rules if rule.comparisons for name in rule.names}
    for architecture in FAMILY["x86_64"]:
        for name in seccomp_profile.syscall_numbers(architecture).keys() - conditional - {"clone3"}:
            expected = ALLOW if name in plain else EPERM
            assert _decide(program, name, architecture=architecture) == expected, name


def test_a_capability_must_open_its_calls():
    """SYS_ADMIN may mount and make namespaces; SYS_PTRACE is not needed for ptrace since 4.8."""
    program = _compile(capabilities=(*DEFAULT_CAPABILITIES, "CAP_SYS_ADMIN"))
    assert [_decide(program, call) for call in ("mount", "unshare", "bpf", "clone3")] == [ALLOW, ALLOW, ALLOW, ALLOW]
    assert _decide(program, "clone", 0x10000000) == ALLOW
    assert _decide(_compile(capabilities=()), "chroot") == EPERM


def test_other_architectures_must_be_decided_or_killed():
    """32-bit programs have their own numbers; a foreign architecture is killed. arm's private calls are known."""
    program = _compile(machine="aarch64")
    assert _decide(program, "mount", architecture="aarch64") == EPERM
    assert _decide(program, "read", architecture="arm") == ALLOW
    assert _decide(program, "set_tls", architecture="arm") == ALLOW
    assert _decide(program, 5000, architecture="arm") == ENOSYS
    assert _decide(program, "read", architecture="x86_64") == "kill"
    assert _decide(_compile(), "mount", architecture="x86") == EPERM


@pytest.mark.parametrize(
    ("operation", "value", "matching", "other"),
    [
        ("EQ", 5 << 32 | 7, [5 << 32 | 7], [7, 5 << 32, 5 << 32 | 8]),
        ("NE", 5 << 32 | 7, [7, 5 << 32 | 8], [5 << 32 | 7]),
        ("GT", 5 << 32 | 7, [6 << 32, 5 << 32 | 8], [5 << 32 | 7, 5 << 32 | 6, 4 << 32 | 9]),
        ("GE", 5 << 32 | 7, [6 << 32, 5 << 32 | 7], [5 << 32 | 6, 4 << 32 | 9]),
        ("LT", 5 << 32 | 7, [4 << 32 | 9, 5 << 32 | 6], [5 << 32 | 7, 6 << 32]),
        ("LE", 5 << 32 | 7, [4 << 32 | 9, 5 << 32 | 7], [5 << 32 | 8, 6 << 32]),
    ],
)
def test_a_comparison_must_look_at_all_64_bits(operation: str, value: int, matching: list[int], other: list[int]):
    """The kernel hands arguments out in halves; no carry may be lost."""
    entry = {"names": ["read"], "action": "SCMP_ACT_ALLOW"}
    entry["args"] = [{"index": 2, "value": value, "op": f"SCMP_CMP_{operation}"}]
    program = _compile(json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [entry]}))
    assert {_decide(program, "read", 0, 0, argument) for argument in matching} == {ALLOW}
    assert {_decide(program, "read", 0, 0, argument) for argument in other} == {EPERM}


def test_a_users_profile_must_have_its_own_default_and_errno():
    """`seccomp=<profile>` with a default of its own, old single names, and an errno of its own."""
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {"name": "mkdir", "action": "SCMP_ACT_ERRNO", "errnoRet": 13},
            {"names": ["sync"], "action": "SCMP_ACT_KILL_PROCESS"},
        ],
    }
    program = _compile(json.dumps(profile))
    assert [_decide(program, call) for call in ("read", "mkdir", "sync")] == [ALLOW, 13, "kill"]


def _profile_with(**entry: object) -> str:
    return json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], **entry}]})


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"defaultAction": "SCMP_ACT_NOTHING"}',
        _profile_with(action="SCMP_ACT_NOTIFY"),
        _profile_with(action="SCMP_ACT_KILL", args=[{"index": 9, "value": 1, "op": "SCMP_CMP_EQ"}]),
        _profile_with(action="SCMP_ACT_KILL", args=[{"index": 0, "value": 1, "op": "SCMP_CMP_LIKE"}]),
    ],
)
def test_a_text_that_is_no_profile_must_be_refused(text: str):
    """A profile that cannot be understood never means less protection."""
    with pytest.raises(EngineError):
        _compile(text)


def test_unconfined_must_have_no_program_and_a_profile_one_program():
    """The second container with the same capabilities pays nothing."""
    assert seccomp_compile.program_for("unconfined", ()) is None
    first = seccomp_compile.program_for("default", DEFAULT_CAPABILITIES)
    assert seccomp_compile.program_for("default", reversed(DEFAULT_CAPABILITIES)) is first
