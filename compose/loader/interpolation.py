"""Variables in the values of a tree, and the casts that follow them.

Values only, never keys. Each file is interpolated before it is merged. Where an attribute is a
number or a boolean, its text is cast, so that `privileged: ${P:-true}` works.
Source: compose-spec, 12-interpolation.md; compose-go, loader/interpolate.go.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from compose.errors import InterpolationError
from compose.loader.problem import Path, Problem, Problems, Report, listed
from compose.loader.template import ExcessiveExpansion, InvalidTemplate, MissingRequired, Template, invalid
from compose.loader.tree_path import Branch, Tree, table

Cast = Callable[[str], int | float | bool | str]

_INTEGER = re.compile("[-+]?[0-9]{1,19}")
_OCTAL = re.compile("(?:0[oO]?)?[0-7]{1,20}")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TRUE = {"true": True, "y": True, "yes": True, "on": True, "false": False, "n": False, "no": False, "off": False}


def integer(text: str) -> int:
    """A decimal integer of 64 bits, without blanks and underscores. Raises ValueError."""
    if not _INTEGER.fullmatch(text) or not -(1 << 63) <= (value := int(text)) < 1 << 63:
        raise ValueError(f"invalid integer: {text}")
    return value


def octal(text: str) -> int:
    """Permission bits. Raises ValueError."""
    if not _OCTAL.fullmatch(text):
        raise ValueError(f"invalid octal number: {text}")
    return int(text, 8)


def number(text: str) -> float:
    """A decimal number. Raises ValueError."""
    if not _NUMBER.fullmatch(text) or not math.isfinite(value := float(text)):
        raise ValueError(f"invalid number: {text}")
    return value


def boolean(text: str) -> bool:
    """YAML 1.1's words for truth. Raises ValueError."""
    if text.lower() not in _TRUE:
        raise ValueError(f"invalid boolean: {text}")
    return _TRUE[text.lower()]


def boolean_or_text(text: str) -> bool | str:
    """A boolean; other words are left to the schema, which has had a name for them since before the cast."""
    return _TRUE.get(text.lower(), text)


_WANTED: dict[Cast, str] = {
    integer: "expected a whole number",
    octal: "expected permission bits, such as `0440`",
    number: "expected a number, such as `0.5`",
    boolean: "expected `true` or `false`",
}

_SERVICE_CASTS: dict[str, Cast] = {
    "build.secrets.*.mode": octal,
    "configs.*.mode": octal,
    "cpu_count": integer,
    "cpu_percent": number,
    "cpu_period": integer,
    "cpu_quota": integer,
    "cpu_rt_period": integer,
    "cpu_rt_runtime": integer,
    "cpus": number,
    "cpu_shares": integer,
    "depends_on.*.required": boolean_or_text,
    "depends_on.*.restart": boolean,
    "init": boolean,
    "deploy.replicas": integer,
    "deploy.update_config.parallelism": integer,
    "deploy.update_config.max_failure_ratio": number,
    "deploy.rollback_config.parallelism": integer,
    "deploy.rollback_config.max_failure_ratio": number,
    "deploy.restart_policy.max_attempts": integer,
    "deploy.placement.max_replicas_per_node": integer,
    "healthcheck.retries": integer,
    "healthcheck.disable": boolean,
    "oom_kill_disable": boolean,
    "oom_score_adj": integer,
    "pids_limit": integer,
    "ports.*.target": integer,
    "privileged": boolean,
    "read_only": boolean,
    "scale": integer,
    "secrets.*.mode": octal,
    "stdin_open": boolean,
    "tty": boolean,
    "ulimits.*": integer,
    "ulimits.*.hard": integer,
    "ulimits.*.soft": integer,
    "volumes.*.read_only": boolean,
    "volumes.*.tmpfs.mode": octal,
    "volumes.*.volume.nocopy": boolean,
}
CASTS: Branch[Cast] = table(
    {f"services.*.{pattern}": cast for pattern, cast in _SERVICE_CASTS.items()}
    | {
        f"{section}.*.{key}": boolean
        for section, keys in {
            "networks": ("external", "internal", "attachable", "enable_ipv4", "enable_ipv6"),
            "volumes": ("external",),
            "secrets": ("external",),
            "configs": ("external",),
        }.items()
        for key in keys
    }
)


def interpolate(tree: Tree, variables: Mapping[str, str], report: Report) -> None:
    """Replace the variables in a tree, in place. Raises Problems, all of them at once."""
    walk = _Interpolation(variables, report)
    for key, value in tree.items():
        tree[key] = walk.value(value, CASTS.below(key), (key,))
    if walk.problems:
        raise Problems(walk.problems)


def interpolate_text(text: str, variables: Mapping[str, str], path: Path) -> str:
    """One text, without warnings. Raises Problems."""
    walk = _Interpolation(variables, lambda *_, **__: None)
    result = walk.value(text, None, path)
    if walk.problems:
        raise Problems(walk.problems)
    return str(result)


class _Interpolation:
    """One walk over one tree; problems pile up."""

    def __init__(self, variables: Mapping[str, str], report: Report) -> None:
        self.problems: list[Problem] = []
        self._report = report
        self._path: Path = ()
        self._text = ""
        self._template = Template(variables.get, self._unset)

    def _unset(self, name: str, source: str) -> None:
        message = f'The "{name}" variable is not set. Defaulting to a blank string.'
        hint = f"`${{{name}:-}}` says that blank is meant"
        self._report(message, self._path, hint, fragment=source, code="unset-variable")

    def value(self, value: Any, casts: Branch[Cast] | None, path: Path) -> Any:
        if isinstance(value, str):
            if "$" not in value and (casts is None or casts.rule is None):
                return value
            return self._scalar(value, casts.rule if casts else None, path)
        if isinstance(value, dict):
            for key, item in value.items():
                value[key] = self.value(item, casts and casts.below(key), (*path, key))
        elif isinstance(value, list):
            below = casts and casts.wildcard
            for index, item in enumerate(value):
                value[index] = self.value(item, below, (*path, index))
        return value

    def _scalar(self, text: str, cast: Cast | None, path: Path) -> str | int | float | bool:
        self._path = path
        try:
            replaced = self._template.substitute(text)
        except InvalidTemplate as error:
            self.problems.append(invalid(listed(path), error, path))
            return text
        except MissingRequired as error:
            message = f"error while interpolating {listed(path)}: {error}"
            hint = f"set `{error.name}` in the shell or in the .env file"
            problem = Problem(
                message,
                path,
                kind=InterpolationError,
                needle=text,
                fragment=error.source,
                hint=hint,
            )
            self.problems.append(problem)
            return text
        except ExcessiveExpansion as error:
            # What follows would be told again and again.
            raise Problem(str(error), path, kind=InterpolationError, needle=text) from None
        if cast is None:
            return replaced
        if cast is boolean and replaced.lower() in _TRUE and replaced.lower() not in ("true", "false"):
            word = "true" if _TRUE[replaced.lower()] else "false"
            self._report(f'"{replaced}" for boolean is not supported by YAML 1.2, please use `{word}`', path, "")
        try:
            return cast(replaced)
        except ValueError as error:
            message = f"error while interpolating {listed(path)}: failed to cast to expected type: {error}"
            self.problems.append(
                Problem(message, path, code="wrong-type", needle=text, note=_became(text, replaced), hint=_WANTED[cast])
            )
            return text


def _became(text: str, replaced: str) -> str:
    """What there is to say of a value that variables made."""
    if text == replaced:
        return ""
    return f"`{text}` became `{replaced}`" if replaced else f"`{text}` became an empty text"
