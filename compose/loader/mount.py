"""The short syntax of mounts: `[source:]target[:options]`. Source: compose-go, format/volume.go."""

from compose.loader.problem import Path, Problem
from compose.loader.tree_path import Tree

PROPAGATIONS = ("rprivate", "private", "rshared", "shared", "rslave", "slave")


def parse_volume(spec: str, path: Path = ()) -> Tree:
    """A mount in its long syntax. Raises Problem."""
    if not spec:
        raise Problem("invalid empty volume spec", path)
    if len(spec) <= 2:
        return {"type": "volume", "target": spec}
    volume: Tree = {}
    sections = _sections(spec)
    for index, section in enumerate(sections):
        last = index == len(sections) - 1
        if not section:
            raise _invalid(spec, "empty section between colons", path)
        if "source" not in volume and not last:
            volume["source"] = section
        elif "target" not in volume:
            volume["target"] = section
        elif not last:
            raise _invalid(spec, "too many colons", path)
        else:
            _set_options(volume, section)
    return _typed(volume)


def _invalid(spec: str, reason: str, path: Path) -> Problem:
    return Problem(f"invalid spec: {spec}: {reason}", path, needle=spec, hint="expected `[source:]target[:ro,…]`")


def _sections(spec: str) -> list[str]:
    """Parts between colons; a drive letter's colon and those in `${…}` (--no-interpolate) do not part."""
    sections, current, depth = [], "", 0
    for index, character in enumerate(spec):
        if character == "$" and spec[index + 1 : index + 2] == "{":
            depth += 1
        elif character == "}" and depth:
            depth -= 1
        elif character == ":" and not depth and not (len(current) == 1 and current.isalpha()):
            sections.append(current)
            current = ""
            continue
        current += character
    return [*sections, current]


def _set_options(volume: Tree, options: str) -> None:
    for option in options.split(","):
        if option in ("ro", "rw"):
            volume["read_only"] = option == "ro"
        elif option == "nocopy":
            volume["volume"] = {"nocopy": True}
        elif option in PROPAGATIONS:
            volume.setdefault("bind", {})["propagation"] = option
        elif option in ("z", "Z"):
            volume.setdefault("bind", {})["selinux"] = option


def _typed(volume: Tree) -> Tree:
    source = volume.get("source", "")
    if _is_file_path(source):
        volume["type"] = "bind"
        volume.setdefault("bind", {})["create_host_path"] = True
    else:
        volume["type"] = "volume"
        volume.setdefault("volume", {})
    return volume


def _is_file_path(source: str) -> bool:
    if source[:1] in (".", "/", "~") and source:
        return True
    return source.startswith("\\\\") or (len(source) > 1 and source[0].isalpha() and source[1] == ":")
