"""The project's own source files, as the architecture tests look at them."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("compose", "runtime", "schemas")


@dataclass(frozen=True)
class Source:
    """One module of the project."""

    module: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        """Whether it is an `__init__.py`."""
        return self.path.name == "__init__.py"

    @property
    def where(self) -> str:
        """Its path, from the project's root."""
        return str(self.path.relative_to(ROOT))


@cache
def sources() -> dict[str, Source]:
    """Return every module of the three packages by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            text = path.read_text()
            found[module] = Source(module, path, text, ast.parse(text))
    return found


def functions(source: Source) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return its functions and methods, nested ones too."""
    return [node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def imported(source: Source) -> set[str]:
    """Return the dotted names its import statements mention; `from a import b` gives a and a.b."""
    names = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def strings(source: Source) -> set[str]:
    """Return its string literals."""
    return {
        node.value for node in ast.walk(source.tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
