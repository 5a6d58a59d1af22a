"""Tables of rules keyed by path patterns: `services.*.ports`, `services.*.ports.*.target`.

`*` stands for any key and any list index. A table is a trie, and a walk goes down tree and trie
together: where the trie ends, nothing below has a rule and the walk turns back.
Source: the idea is compose-go's tree.Path; there each path is compared with each pattern.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

from compose.loader.problem import Path, Problem, Problems

Tree: TypeAlias = dict[str, Any]
"""A mapping of YAML data; the leaves are str, int, float, bool and None."""

Rule = TypeVar("Rule")


class Branch(Generic[Rule]):
    """A place in a table: the rule that applies here, if any, and the branches below."""

    __slots__ = ("branches", "rule", "wildcard")

    def __init__(self) -> None:
        self.rule: Rule | None = None
        self.branches: dict[str, Branch[Rule]] = {}
        self.wildcard: Branch[Rule] | None = None

    def below(self, key: str | int) -> "Branch[Rule] | None":
        """The branch for a key or an index."""
        if self.wildcard is not None:
            return self.wildcard
        return self.branches.get(key) if isinstance(key, str) else None


def table(rules: Mapping[str, Rule]) -> Branch[Rule]:
    """A trie of the patterns. Two patterns may not differ by `*` and a key at the same place."""
    root: Branch[Rule] = Branch()
    for pattern, rule in rules.items():
        branch = root
        for part in pattern.split("."):
            branch = _grow(branch, part)
        branch.rule = rule
    return root


def _grow(branch: Branch[Rule], part: str) -> Branch[Rule]:
    if part == "*":
        if branch.branches:
            raise ValueError("a pattern with `*` beside one with a key")
        if branch.wildcard is None:
            branch.wildcard = Branch()
        return branch.wildcard
    if branch.wildcard is not None:
        raise ValueError("a pattern with a key beside one with `*`")
    return branch.branches.setdefault(part, Branch())


Change: TypeAlias = Callable[[Any, Path], Any]
"""Takes a value and its path, returns the value that replaces it."""


def rewrite(value: Any, branch: Branch[Change], path: Path = ()) -> Any:
    """Replace, in place, every value that has a rule. Rules see the value before those below it.

    Raises Problems: what one rule refuses keeps no other from being applied.
    """
    found: list[Problem] = []
    value = _rewrite(value, branch, path, found)
    if found:
        raise Problems(found)
    return value


def _rewrite(value: Any, branch: Branch[Change], path: Path, found: list[Problem]) -> Any:
    if branch.rule is not None:
        try:
            value = branch.rule(value, path)
        except Problem as problem:
            found.append(problem)
            return value
        except Problems as several:
            found += several.problems
            return value
    if isinstance(value, dict):
        for key, item in value.items():
            below = branch.below(key)
            if below is not None:
                value[key] = _rewrite(item, below, (*path, key), found)
    elif isinstance(value, list) and branch.wildcard is not None:
        for index, item in enumerate(value):
            value[index] = _rewrite(item, branch.wildcard, (*path, index), found)
    return value
