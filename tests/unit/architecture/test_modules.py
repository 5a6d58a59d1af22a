"""Every module says what it is for, is used, and has a name with a meaning."""

import ast
import re

from tests.support.sources import Source, functions, imported, sources, strings

BANNED_WORDS = {"util", "utils", "helper", "helpers", "manager", "common", "misc"}
BANNED_PREFIXES = ("handle_", "do_", "process_")
COMMAND_TABLE = "compose.cli.registry"
COMMAND_PACKAGES = ("compose.cli.commands", "compose.cli.arguments")


def test_a_module_must_begin_with_a_docstring():
    """Who opens a file learns in its first lines what it is for."""
    assert [source.where for source in sources().values() if not ast.get_docstring(source.tree)] == []


def test_a_package_must_hold_a_docstring_only():
    """An `__init__` that imports makes everything below it heavy."""
    filled = [source.where for source in sources().values() if source.is_package and len(source.tree.body) != 1]
    assert filled == []


def test_a_module_must_be_reachable_from_an_entry():
    """What no command and no process of ours imports or names is dead."""
    modules = sources()
    alive: set[str] = set()
    found = ["compose.__main__", *(name for name, source in modules.items() if source.is_package)]
    while found:
        module = found.pop()
        if module in modules and module not in alive:
            alive.add(module)
            found.extend(_mentioned(modules[module]))
    dead = sorted(set(modules) - alive)
    assert not dead, "\n".join(dead)


def test_no_name_must_be_a_word_without_meaning():
    """Helpers, managers and things that handle or process something are named after what they do instead."""
    offending = [
        f"{source.where} {name}"
        for source in sources().values()
        for name in _defined(source)
        if name.startswith(BANNED_PREFIXES) or BANNED_WORDS & set(_words(name))
    ]
    assert offending == []


def test_a_dataclass_must_be_of_our_own_making():
    """The standard library's costs every command that imports it half a millisecond a class."""
    offending = [source.where for source in sources().values() if "dataclasses.dataclass" in imported(source)]
    assert offending == ["schemas/dataclass.py"]


def _mentioned(source: Source) -> set[str]:
    """Return the modules a source imports or names in a string: the command table, the processes started with `-m`."""
    named = strings(source)
    if source.module == COMMAND_TABLE:
        named |= {f"{package}.{name}" for package in COMMAND_PACKAGES for name in named}
    return imported(source) | named


def _defined(source: Source) -> list[str]:
    """Return the names of the module, its classes and its functions."""
    classes = [node.name for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)]
    return [source.module.rpartition(".")[2], *classes, *(function.name for function in functions(source))]


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]
