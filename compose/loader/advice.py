"""What a loaded project has that is right and probably not meant. `config` tells it; no other command does.

docker compose is silent about these. They cost a second look at the files, and whoever starts a project for the
hundredth time does not want to read them again; who checks one does.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from compose.errors import Warning  # noqa: A004 - the word of the domain
from compose.loader.findings import Findings
from compose.loader.pipeline import Resolved
from compose.loader.places import Sources
from compose.loader.problem import Path
from compose.loader.tree_path import Tree

_SEXAGESIMAL = re.compile(r"[1-9][0-9]*(?::[0-5]?[0-9])+")
"""An integer to base 60. Source: yaml.org/type/int.html, which YAML 1.2 dropped."""

_SECTIONS = {"networks": "network", "volumes": "volume", "secrets": "secret", "configs": "config", "models": "model"}


def advice(result: Resolved) -> list[Warning]:
    """Warnings in the order of their kind. None of a project that was loaded without interpolation."""
    if result.fields is None:
        return []
    findings = Findings(result.sources)
    _unused(result.tree, findings)
    for warning in _ports_to_base_60(result.sources):
        findings.note(warning)
    _unpinned(result.tree, findings)
    return findings.warnings


def _unused(tree: Tree, findings: Findings) -> None:
    used = _used(tree)
    for section, word in _SECTIONS.items():
        for key in tree.get(section) or {}:
            if key not in used[section]:
                hint = "delete it, or name it in a service"
                message = f"{word} `{key}` is declared, but no service uses it"
                findings.report(message, (section, key), hint, code=f"unused-{word}", on_key=True)


def _used(tree: Tree) -> dict[str, set[Any]]:
    """What services name, those that no profile enables too."""
    used: dict[str, set[Any]] = defaultdict(set)
    for service in tree["services"].values():
        used["networks"].update(service.get("networks") or ())
        used["models"].update(service.get("models") or ())
        used["volumes"].update(item.get("source") for item in service.get("volumes") or ())
        used["configs"].update(item.get("source") for item in service.get("configs") or ())
        build_secrets = (service.get("build") or {}).get("secrets") or ()
        used["secrets"].update(item.get("source") for item in (*(service.get("secrets") or ()), *build_secrets))
    return used


def _ports_to_base_60(sources: Sources) -> Iterator[Warning]:
    for source in sources.sources:
        for document in source.documents:
            for text, extent in document.plain_scalars(("services", None, "ports", None)):
                if _SEXAGESIMAL.fullmatch(text):
                    number = 0
                    for digits in text.split(":"):
                        number = number * 60 + int(digits)
                    message = f"port `{text}` has no quotes: what reads YAML 1.1 takes it for the number {number}"
                    hint = f'write `"{text}"`; docker compose and pycompose read what is meant'
                    yield Warning(message, source.span(extent), hint, code="ambiguous-port")


def _unpinned(tree: Tree, findings: Findings) -> None:
    """One warning for all images whose tag is `latest` or none; not for those that are built."""
    moving = {
        name: str(service["image"])
        for name, service in tree["services"].items()
        if service.get("image") and service.get("build") is None and _is_moving(str(service["image"]))
    }
    if not moving:
        return
    named = ", ".join(f"`{name}` ({image})" for name, image in moving.items())
    hint = "a tag with a version, or a digest, keeps what runs the same"
    first: Path = ("services", next(iter(moving)), "image")
    message = f"{'an image' if len(moving) == 1 else 'images'} without a version: {named}"
    findings.report(message, first, hint, code="unpinned-image")


def _is_moving(image: str) -> bool:
    if "@" in image or image == "host":
        return False
    _, separator, tag = image.rpartition(":")
    return not separator or "/" in tag or tag == "latest"
