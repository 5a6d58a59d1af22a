"""docs/attributes.md as data: which state it says each attribute has."""

import re

from compose.loader.schema_service import COMPOSE_FILE
from compose.loader.shapes import Keys, ListOf, Names, OneOf, Shape
from tests.support.sources import ROOT

PAGE = ROOT / "docs" / "attributes.md"
STATES = ("works", "warned", "ignored", "refused")


def rows() -> list[tuple[str, str, str]]:
    """Return path, state and note of each row: `services.*.ports[].target`."""
    found, section = [], ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = "".join(re.findall("`(.+)`", line))
        elif match := re.fullmatch(r"\| `(.+?)` \| (\w+) \| (.*)\|", line):
            path = f"{section}.{match[1]}" if section else match[1]
            found.append((path, match[2], match[3].strip()))
    return found


def attributes(shape: Shape, path: str = "") -> list[str]:
    """Return the path of every attribute that may be written."""
    match shape:
        case Keys(keys=keys):
            return [
                each
                for key, below in keys.items()
                for place in [f"{path}.{key}".lstrip(".")]
                for each in [place, *attributes(below, place)]
            ]
        case ListOf(item=item):
            return attributes(item, f"{path}[]")
        case Names(item=item):
            return attributes(item, f"{path}.*")
        case OneOf(shapes=shapes):
            return list(dict.fromkeys(each for option in shapes for each in attributes(option, path)))
        case _:
            return []


def written() -> list[str]:
    """Return the path of every attribute of a Compose file."""
    return attributes(COMPOSE_FILE)
