"""Docker's seccomp profiles: which rules hold for a set of capabilities on this machine.

The format is moby's `profiles/seccomp`: a default action, and rules with names, arguments and
conditions on capabilities, architecture and kernel version.
"""

import json
import os
from typing import TypedDict

from runtime.errors import InvalidArgument, Unsupported
from schemas.dataclass import dataclass

_DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
NO_SUCH_CALL = 0x00050000 | 38
"""Answer ENOSYS."""

_ACTIONS = {
    "SCMP_ACT_ALLOW": ALLOW,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_KILL": 0,
    "SCMP_ACT_KILL_THREAD": 0,
    "SCMP_ACT_KILL_PROCESS": KILL_PROCESS,
}
_ACTIONS_WITH_ERRNO = {"SCMP_ACT_ERRNO": 0x00050000, "SCMP_ACT_TRACE": 0x7FF00000}
_EPERM = 1
_GO_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class _Argument(TypedDict, total=False):
    index: int
    value: int
    valueTwo: int
    op: str


class _Condition(TypedDict, total=False):
    caps: list[str] | None
    arches: list[str] | None
    minKernel: str | None


class _Syscall(TypedDict, total=False):
    name: str
    names: list[str] | None
    action: str
    errnoRet: int | None
    args: list[_Argument] | None
    includes: _Condition | None
    excludes: _Condition | None


class _Profile(TypedDict, total=False):
    defaultAction: str
    defaultErrnoRet: int | None
    syscalls: list[_Syscall] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A test of one argument: `operation` without its SCMP_CMP_ prefix; `mask` only for MASKED_EQ."""

    index: int
    operation: str
    value: int
    mask: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """For these calls, when all comparisons hold, this action (a SECCOMP_RET_ value)."""

    names: tuple[str, ...]
    action: int
    comparisons: tuple[Comparison, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules that hold, in order, and what happens to every other call."""

    default: int
    rules: tuple[Rule, ...]


def load(text: str, capabilities: frozenset[str], machine: str, kernel: tuple[int, int]) -> Policy:
    """Read a profile's JSON text (`default` for the built-in one) and keep the rules that hold.

    Raises InvalidArgument for a text that is no profile, Unsupported for an action that needs a helper.
    """
    try:
        profile: _Profile = json.loads(_read("seccomp-default.json") if text == "default" else text)
        errno_default = profile.get("defaultErrnoRet")
        errno_default = _EPERM if errno_default is None else errno_default
        default = _action(profile["defaultAction"], errno_default)
        rules: list[Rule] = []
        for entry in profile.get("syscalls") or []:
            if _holds(entry, capabilities, machine, kernel):
                rules += _rules(entry, errno_default)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise InvalidArgument(f"decoding seccomp profile failed: {error}") from error
    return Policy(default, tuple(rules))


def syscall_numbers(architecture: str) -> dict[str, int]:
    """Return the call numbers of `x86_64`, `x86`, `aarch64` or `arm`, by name."""
    numbers: dict[str, int] = json.loads(_read(f"syscalls/{architecture}.json"))
    return numbers


def _read(name: str) -> str:
    with open(f"{_DATA}/{name}", encoding="utf-8") as file:
        return file.read()


def _action(name: str, errno_value: int) -> int:
    if name in _ACTIONS:
        return _ACTIONS[name]
    if name in _ACTIONS_WITH_ERRNO:
        return _ACTIONS_WITH_ERRNO[name] | (errno_value & 0xFFFF)
    if name == "SCMP_ACT_NOTIFY":
        raise Unsupported("seccomp action `SCMP_ACT_NOTIFY` needs a listener, which there is none")
    raise ValueError(f"unknown action `{name}`")


def _holds(entry: _Syscall, capabilities: frozenset[str], machine: str, kernel: tuple[int, int]) -> bool:
    architecture = _GO_ARCHITECTURES.get(machine, machine)
    excludes, includes = entry.get("excludes") or {}, entry.get("includes") or {}
    if architecture in (excludes.get("arches") or []):
        return False
    if any(name in capabilities for name in excludes.get("caps") or []):
        return False
    if excludes.get("minKernel") and kernel >= _version(str(excludes["minKernel"])):
        return False
    if includes.get("arches") and architecture not in (includes.get("arches") or []):
        return False
    if any(name not in capabilities for name in includes.get("caps") or []):
        return False
    return not includes.get("minKernel") or kernel >= _version(str(includes["minKernel"]))


def _version(text: str) -> tuple[int, int]:
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def _rules(entry: _Syscall, errno_default: int) -> list[Rule]:
    errno_value = entry.get("errnoRet")
    action = _action(entry["action"], errno_default if errno_value is None else errno_value)
    names = tuple(entry.get("names") or [entry["name"]])
    comparisons = tuple(_comparison(argument) for argument in entry.get("args") or [])
    indexes = [comparison.index for comparison in comparisons]
    if len(set(indexes)) == len(indexes):
        return [Rule(names, action, comparisons)]
    # As in runc: several tests of one argument were always meant as alternatives.
    return [Rule(names, action, (comparison,)) for comparison in comparisons]


def _comparison(argument: _Argument) -> Comparison:
    operation = argument["op"].removeprefix("SCMP_CMP_")
    index, value = argument["index"], argument["value"]
    if not 0 <= index <= 5:
        raise ValueError(f"no argument {index}")
    if operation == "MASKED_EQ":
        # In the profile `value` is the mask and `valueTwo` what must be left.
        return Comparison(index, operation, argument.get("valueTwo", 0), value)
    return Comparison(index, operation, value)
