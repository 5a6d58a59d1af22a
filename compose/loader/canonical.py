"""Short syntax to long: after this stage each attribute has one shape.

Source: compose-go, transform/canonical.go and its neighbours.
"""

from typing import Any

from compose.loader.mount import parse_volume
from compose.loader.port import MAX_PORTS, parse_port, port_count
from compose.loader.problem import Path, Problem, Problems, Report, dotted
from compose.loader.scalar import text_of
from compose.loader.tree_path import Branch, Change, Tree, rewrite, table


def canonical(tree: Tree, report: Report, *, lenient: bool = False) -> None:
    """Rewrite a merged tree in place. `lenient` leaves what does not parse (`--no-interpolate`). Raises Problem."""
    _require_few_ports(tree)
    rewrite(tree, _LENIENT if lenient else _STRICT)
    for section in ("networks", "volumes", "secrets", "configs"):
        resources = tree.get(section)
        for key, resource in resources.items() if isinstance(resources, dict) else ():
            _external(resource, (section, key), report)


def _require_few_ports(tree: Tree) -> None:
    """Ranges are short to write. Raises Problem where they are too long, before they are written out."""
    services = tree.get("services")
    count = 0
    for name, service in services.items() if isinstance(services, dict) else ():
        ports = service.get("ports") if isinstance(service, dict) else None
        count += sum(map(port_count, ports)) if isinstance(ports, list) else 0
        if count > MAX_PORTS:
            message = f"the services have more than {MAX_PORTS} ports"
            raise Problem(message, ("services", name, "ports"), hint="a range may have as many as there are, once")


def _external(resource: Any, path: Path, report: Report) -> None:
    """`external: {name: n}`, the old form of `external: true` with `name: n`."""
    if not isinstance(resource, dict) or not isinstance(resource.get("external"), dict):
        return
    old = resource["external"]
    resource["external"] = True
    if "name" not in old:
        return
    place = dotted(path)
    report(f"{place}: external.name is deprecated. Please set name and external: true", (*path, "external"), "")
    if resource.setdefault("name", old["name"]) != old["name"]:
        message = f"{place}: name and external.name conflict; only use name"
        raise Problem(message, (*path, "external", "name"), hint="write `external: true` beside the `name`")


def _wrong_type(value: Any, path: Path, what: str) -> Problem:
    kinds = {dict: "mapping", list: "list", str: "string", float: "number", bool: "boolean", type(None): "null"}
    kind = kinds.get(type(value), "integer")
    return Problem(f"{dotted(path)}: invalid type {kind} for {what}", path, code="wrong-type")


def _text_as_list(value: Any, _: Path) -> Any:
    return [value] if isinstance(value, str) else value


def _names_as_mapping(value: Any, _: Path) -> Any:
    return dict.fromkeys(value) if isinstance(value, list) else value


def _build(value: Any, _: Path) -> Any:
    return {"context": value} if isinstance(value, str) else value


def _depends_on(value: Any, path: Path) -> Any:
    if isinstance(value, list):
        return {name: {"condition": "service_started", "required": True} for name in value}
    if not isinstance(value, dict):
        raise _wrong_type(value, path, "depend_on")
    for name, dependency in value.items():
        if not isinstance(dependency, dict):
            raise Problem(f"{dotted((*path, name))}: unsupported value {text_of(value)}", (*path, name))
        dependency.setdefault("condition", "service_started")
        dependency.setdefault("required", True)
    return value


def _env_file(value: Any, path: Path) -> Any:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list):
        raise _wrong_type(value, path, "env_file")
    return [{"required": True, **(item if isinstance(item, dict) else {"path": item})} for item in items]


def _gpus(value: Any, _: Path) -> Any:
    return [{"count": "all"}] if isinstance(value, str) else value


def _file_reference(value: Any, path: Path) -> Any:
    if isinstance(value, str):
        return {"source": value}
    if not isinstance(value, dict):
        raise _wrong_type(value, path, "a file reference")
    return value


def _key_values(value: Any, path: Path) -> Any:
    if not isinstance(value, list):
        return value
    mapping = {}
    for item in value:
        key, separator, rest = item.partition("=")
        if not separator:
            raise Problem(f"{dotted(path)}: invalid value {item}, expected key=value", path, needle=item)
        mapping[key] = rest
    return mapping


def _ssh(value: Any, path: Path) -> Any:
    if not isinstance(value, list):
        return value
    keys: Tree = {}
    for item in value:
        key, separator, rest = item.partition("=")
        if not separator and key != "default":
            raise Problem(f'invalid ssh key "{item}"', path, needle=item, hint="expected `default` or `key=path`")
        keys[key] = rest if separator else None
    return keys


def _device(value: Any, path: Path) -> Any:
    if not isinstance(value, str):
        return value
    source, *rest = value.split(":")
    if len(rest) > 2:
        hint = "expected `source[:target[:permissions]]`"
        raise Problem(f"confusing device mapping, please use long syntax: {value}", path, needle=value, hint=hint)
    target, permissions = [*rest, *("", "rwm")[len(rest) :]]
    return {"source": source, "target": target or source, "permissions": permissions}


def _volume(value: Any, path: Path) -> Any:
    if not isinstance(value, str):
        return value
    volume = parse_volume(value, path)
    volume["target"] = clean_target(volume["target"])
    return volume


def clean_target(target: str) -> str:
    """A container path without `//`, `.`, `..` and trailing slash."""
    if not target:
        return ""
    parts: list[str] = []
    for part in target.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif (part == ".." and not target.startswith("/")) or part not in ("", ".", ".."):
            parts.append(part)
    cleaned = "/".join(parts)
    return f"/{cleaned}" if target.startswith("/") else cleaned or "."


def _ports(value: Any, path: Path) -> Any:
    if not isinstance(value, list):
        raise _wrong_type(value, path, "port")
    ports: list[Any] = []
    found: list[Problem] = []
    for index, item in enumerate(value):
        try:
            ports.extend(_port(item, (*path, index)))
        except Problem as problem:
            found.append(problem)
    if found:
        raise Problems(found)
    return ports


def _port(item: Any, path: Path) -> list[Any]:
    if isinstance(item, str) or (isinstance(item, int) and not isinstance(item, bool)):
        return parse_port(str(item), path)
    if not isinstance(item, dict):
        message = f"{dotted(path[:-1])}: invalid type number for port"
        raise Problem(message, path, code="wrong-type", hint="a port is a whole number")
    return [item]


def _text(value: Any, _: Path) -> Any:
    return text_of(value)


_RULES: dict[str, Change] = {
    "services.*.build": _build,
    "services.*.build.additional_contexts": _key_values,
    "services.*.build.provenance": _text,
    "services.*.build.sbom": _text,
    "services.*.build.secrets.*": _file_reference,
    "services.*.build.ssh": _ssh,
    "services.*.configs.*": _file_reference,
    "services.*.depends_on": _depends_on,
    "services.*.develop.watch.*.ignore": _text_as_list,
    "services.*.develop.watch.*.include": _text_as_list,
    "services.*.devices.*": _device,
    "services.*.dns": _text_as_list,
    "services.*.env_file": _env_file,
    "services.*.gpus": _gpus,
    "services.*.label_file": _text_as_list,
    "services.*.models": _names_as_mapping,
    "services.*.networks": _names_as_mapping,
    "services.*.ports": _ports,
    "services.*.secrets.*": _file_reference,
    "services.*.volumes.*": _volume,
}


def _leniently(change: Change) -> Change:
    def attempt(value: Any, path: Path) -> Any:
        try:
            return change(value, path)
        except (Problem, Problems):
            return value

    return attempt


_STRICT: Branch[Change] = table(_RULES)
_LENIENT: Branch[Change] = table({pattern: _leniently(change) for pattern, change in _RULES.items()})
