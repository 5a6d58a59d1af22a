"""Canonical values to the types of the models: bytes, seconds, words, mappings of text.

Source: the DecodeMapstructure methods of compose-go, types/*.go.
"""

import struct
from typing import Any

from compose.loader import words
from compose.loader.interpolation import boolean, integer, number
from compose.loader.problem import Path, Problem, Problems, Report, dotted
from compose.loader.scalar import text_of
from compose.loader.tree_path import Branch, Change, Tree, table
from compose.loader.units import duration, size

_BEYOND = float(1 << 63)
_LARGEST_SINGLE = 3.4028234663852886e38


def convert(tree: Tree, report: Report) -> None:
    """Convert, in place, a canonical tree. Raises Problems, all of them."""
    conversion = _Conversion(report)
    for section in ("networks", "volumes"):
        tree[section] = {key: item or {} for key, item in (tree.get(section) or {}).items()}
    conversion.run(tree, _RULES, ())
    if conversion.problems:
        raise Problems(conversion.problems)


class _Conversion:
    """One walk; what does not convert is collected."""

    def __init__(self, report: Report) -> None:
        self.problems: list[Problem] = []
        self._report = report

    def run(self, value: Any, branch: Branch[Change], path: Path) -> Any:
        if branch.rule is not None:
            try:
                value = branch.rule(value, path)
            except ValueError as error:
                hint = _HINTS.get(branch.rule, "")
                self.problems.append(Problem(f"{dotted(path)}: {error}", path, code="bad-value", hint=hint))
                return value
            except Problem as problem:
                self.problems.append(problem)
                return value
            if isinstance(value, words.Words):
                value = self._words(value, path)
        if isinstance(value, dict):
            for key, item in value.items():
                below = branch.below(key)
                if below is not None:
                    value[key] = self.run(item, below, (*path, key))
        elif isinstance(value, list) and branch.wildcard is not None:
            for index, item in enumerate(value):
                value[index] = self.run(item, branch.wildcard, (*path, index))
        return value

    def _words(self, value: words.Words, path: Path) -> list[str]:
        if value.rest:
            hint = 'there is no shell: write `["sh", "-c", "…"]` for one, or quote the operator'
            self._report(f"{dotted(path)} ends before `{value.rest}`", path, hint)
        return list(value.words)


def environment(value: Any, path: Path = ()) -> dict[str, str | None]:
    """Keys with values, of a mapping or a list; without one: None. Raises Problem."""
    if isinstance(value, dict):
        return {key: None if item is None else text_of(item) for key, item in value.items()}
    result: dict[str, str | None] = {}
    for index, item in enumerate(value or ()):
        key, separator, rest = text_of(item).partition("=")
        if key[-1:].isspace():
            message = f"environment variable {key} is declared with a trailing space"
            raise Problem(message, (*path, index), needle=item, hint=f"write `{key.rstrip()}={rest}`")
        result[key] = rest if separator else None
    return result


def mapping(value: Any, _: Path = ()) -> dict[str, str]:
    """As environment, but a missing value is an empty text."""
    if isinstance(value, dict):
        return {key: "" if item is None else text_of(item) for key, item in value.items()}
    pairs = (text_of(item).partition("=") for item in value or ())
    return {key: rest for key, _, rest in pairs}


def _command(value: Any, _: Path) -> Any:
    return words.split(value) if isinstance(value, str) else value


def _whole(value: float) -> int:
    """Return a number without its fraction, as Go converts one. Raises ValueError for one that 64 bits do not hold."""
    if not -_BEYOND <= value < _BEYOND:
        raise ValueError(f"out of range: {text_of(value)}")
    return int(value)


def _bytes(value: Any, _: Path) -> int:
    return size(value) if isinstance(value, str) else _whole(value)


def _seconds(value: Any, _: Path) -> float:
    return duration(text_of(value))


def _flag(value: Any, _: Path) -> Any:
    return boolean(value) if isinstance(value, str) else value


def _integer(value: Any, _: Path) -> Any:
    return integer(value) if isinstance(value, str) else _whole(value) if isinstance(value, int | float) else value


def _text(value: Any, _: Path) -> str:
    return "" if value is None else text_of(value)


def _texts(value: Any, _: Path) -> list[str]:
    return [value] if isinstance(value, str) else [text_of(item) for item in value or ()]


def single_precision(value: float) -> float:
    """The number that 32 bits hold, with as few digits as tell it apart. Raises ValueError for one too large."""
    if abs(value) > _LARGEST_SINGLE:
        raise ValueError(f"out of range: {value}")
    packed = struct.pack("f", value)
    (held,) = struct.unpack("f", packed)
    return next(short for digits in range(6, 18) if struct.pack("f", short := float(f"{held:.{digits}g}")) == packed)


def _cpus(value: Any, _: Path) -> float:
    try:
        return single_precision(number(value) if isinstance(value, str) else float(value))
    except ValueError:
        raise ValueError(f'parsing "{value}": invalid number of CPUs') from None


def _device_count(value: Any, _: Path) -> int:
    if not isinstance(value, str):
        return _whole(value)
    if value.lower() == "all":
        return -1
    try:
        return integer(value)
    except ValueError:
        raise ValueError(f"invalid value \"{value}\", the only value allowed is 'all' or a number") from None


def _health_test(value: Any, _: Path) -> list[str]:
    return ["CMD-SHELL", value] if isinstance(value, str) else list(value)


def _retries(value: Any, path: Path) -> int:
    count = int(_integer(value, path))
    if count < 0:
        message = f"services[{path[1]}].healthcheck.retries: must be greater than or equal to 0"
        raise Problem(message, path, code="bad-value")
    return count


def _ulimit(value: Any, path: Path) -> Tree:
    if isinstance(value, dict):
        return {key: item if key.startswith("x-") else _integer(item, path) for key, item in value.items()}
    return {"single": _integer(value, path)}


def _hosts(value: Any, path: Path) -> dict[str, list[str]]:
    hosts: dict[str, list[str]] = {}
    for place, host, addresses in _host_pairs(value, path):
        if not host or set(host) & set(":="):
            raise Problem(f"bad host name '{host}'", place, hint="expected `host=address`")
        bare = [item[1:-1] if len(item) > 2 and item[0] + item[-1] == "[]" else item for item in addresses]
        hosts.setdefault(host, []).extend(bare)
    return hosts


def _host_pairs(value: Any, path: Path) -> list[tuple[Path, str, list[str]]]:
    if isinstance(value, dict):
        return [((*path, key), key, _texts("" if item is None else item, path)) for key, item in value.items()]
    pairs = []
    for index, item in enumerate(map(text_of, value or ())):
        host, separator, address = item.partition("=" if "=" in item else ":")
        place = (*path, index)
        if not separator:
            hint = f"write `{item}=address`"
            raise Problem(f"invalid additional host, missing IP: {item}", place, needle=item, hint=hint)
        pairs.append((place, host, address.split(",")))
    return pairs


def _multi_options(value: Any, path: Path) -> dict[str, list[str]]:
    return {key: _texts(text_of(item) if not isinstance(item, list) else item, path) for key, item in value.items()}


def _key_paths(value: Any, _: Path) -> dict[str, str]:
    return {key: "" if item is None else text_of(item) for key, item in value.items()}


_HINTS: dict[Change, str] = {
    _bytes: "expected a size: `512m`, `1.5gb`, or a number of bytes",
    _command: "a quote or a parenthesis is not closed; where `#` follows a blank, YAML takes the rest for a comment",
    _cpus: "expected a number, such as `0.5`",
    _flag: "expected `true` or `false`",
    _integer: "expected a whole number",
    _seconds: "expected a duration with units: `10s`, `1m30s`, `500ms`",
}
_HOOK: dict[str, Change] = {"command": _command, "environment": environment, "privileged": _flag, "per_replica": _flag}
_DEVICES: dict[str, Change] = {"count": _device_count, "options": mapping}
_ROLLOUT: dict[str, Change] = {"delay": _seconds, "monitor": _seconds, "parallelism": _integer}


def _each(prefix: str, rules: dict[str, Change]) -> dict[str, Change]:
    return {f"{prefix}.{key}": rule for key, rule in rules.items()}


_BUILD: dict[str, Change] = {
    "args": environment,
    "additional_contexts": mapping,
    "extra_hosts": _hosts,
    "labels": mapping,
    "no_cache": _flag,
    "no_cache_filter": _texts,
    "privileged": _flag,
    "pull": _flag,
    "shm_size": _bytes,
    "ssh": _key_paths,
    "ulimits.*": _ulimit,
}
_DEPLOY: dict[str, Change] = {
    "labels": mapping,
    "placement.max_replicas_per_node": _integer,
    "replicas": _integer,
    "resources.limits.cpus": _cpus,
    "resources.limits.memory": _bytes,
    "resources.limits.pids": _integer,
    "resources.reservations.cpus": _cpus,
    "resources.reservations.memory": _bytes,
    "resources.reservations.generic_resources.*.discrete_resource_spec.value": _integer,
    **_each("resources.reservations.devices.*", _DEVICES),
    "restart_policy.delay": _seconds,
    "restart_policy.max_attempts": _integer,
    "restart_policy.window": _seconds,
    **_each("rollback_config", _ROLLOUT),
    **_each("update_config", _ROLLOUT),
}
_WHOLE = (
    *("cpu_count", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "oom_score_adj"),
    *("networks.*.gw_priority", "networks.*.priority", "pids_limit", "ports.*.target", "scale"),
    *("build.secrets.*.mode", "configs.*.mode", "secrets.*.mode", "volumes.*.tmpfs.mode"),
)
_SERVICE: dict[str, Change] = {
    **dict.fromkeys(_WHOLE, _integer),
    "annotations": mapping,
    "attach": _flag,
    "blkio_config.weight": _integer,
    "blkio_config.weight_device.*.weight": _integer,
    **{f"blkio_config.device_{kind}.*.rate": _bytes for kind in ("read_bps", "read_iops", "write_bps", "write_iops")},
    **_each("build", _BUILD),
    "command": _command,
    "cpu_percent": _cpus,
    "cpus": _cpus,
    "depends_on.*.restart": _flag,
    **_each("deploy", _DEPLOY),
    **_each("develop.watch.*.exec", _HOOK),
    "dns_search": _texts,
    "entrypoint": _command,
    "env_file.*.required": _flag,
    "environment": environment,
    "expose": _texts,
    "extra_hosts": _hosts,
    **_each("gpus.*", _DEVICES),
    "group_add": _texts,
    "healthcheck.interval": _seconds,
    "healthcheck.retries": _retries,
    "healthcheck.start_interval": _seconds,
    "healthcheck.start_period": _seconds,
    "healthcheck.test": _health_test,
    "healthcheck.timeout": _seconds,
    "init": _flag,
    "labels": mapping,
    "logging.options": mapping,
    "mem_limit": _bytes,
    "mem_reservation": _bytes,
    "mem_swappiness": _bytes,
    "memswap_limit": _bytes,
    "networks.*.driver_opts": mapping,
    "pid": _text,
    "ports.*.published": _text,
    **_each("post_start.*", _HOOK),
    **_each("pre_start.*", _HOOK),
    **_each("pre_stop.*", _HOOK),
    "provider.options": _multi_options,
    "shm_size": _bytes,
    "stop_grace_period": _seconds,
    "storage_opt": mapping,
    "sysctls": mapping,
    "tmpfs": _texts,
    "ulimits.*": _ulimit,
    "volumes.*.bind.create_host_path": _flag,
    "volumes.*.tmpfs.size": _bytes,
    "volumes.*.volume.labels": mapping,
}
_RESOURCE: dict[str, Change] = {"driver_opts": mapping, "external": _flag, "labels": mapping}
_RULES: Branch[Change] = table(
    {
        **_each("services.*", _SERVICE),
        **_each("networks.*", {**_RESOURCE, "ipam.options": mapping, "ipam.config.*.aux_addresses": mapping}),
        **_each("volumes.*", _RESOURCE),
        **_each("secrets.*", _RESOURCE),
        **_each("configs.*", _RESOURCE),
        "models.*.context_size": _integer,
    }
)
