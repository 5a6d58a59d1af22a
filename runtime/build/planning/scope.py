"""The variables of a stage at one point: ENV and the ARGs declared so far (Dockerfile reference, "ARG", "Scope")."""

from collections.abc import Mapping
from dataclasses import field

from runtime.build.dockerfile import instructions as ast
from runtime.build.dockerfile.expansion import Expansion, Style, expand
from runtime.build.dockerfile.lint import Lint, suggestion
from runtime.build.planning.options import PlanOptions
from schemas.dataclass import dataclass

_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
_NO_VARIABLES = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})


@dataclass(slots=True)
class Scope:
    """Grows from instruction to instruction; a stage that stands on another begins with a copy of its."""

    variables: dict[str, str] = field(default_factory=dict)
    declared: dict[str, str | None] = field(default_factory=dict)
    """The ARGs, with the values they were declared with."""

    def copy(self) -> "Scope":
        """Return one that grows by itself."""
        return Scope(dict(self.variables), dict(self.declared))

    def build_args(self) -> dict[str, str]:
        """Return the ARGs in scope with the values they have now: what an image's history tells of a RUN."""
        return {name: self.variables.get(name, value or "") for name, value in self.declared.items()}

    def declare(self, name: str, value: str | None) -> None:
        """Take an ARG."""
        self.declared[name] = value
        if value is not None and name not in _NO_VARIABLES:
            self.variables[name] = value


@dataclass(frozen=True, slots=True)
class Expander:
    """Expands the words of one instruction, and reports variables that are not there."""

    instruction: ast.Instruction
    scope: Scope
    escape: str
    lint: Lint

    def __call__(self, word: str) -> str:
        """Return the word expanded. Raises ExpansionError."""
        return self._expand(word, Style(escape=self.escape)).text

    def words(self, word: str) -> tuple[str, ...]:
        """Return the words that it expands to. Raises ExpansionError."""
        return self._expand(word, Style(escape=self.escape)).words

    def content(self, text: str) -> str:
        """Return a here-document expanded, its quotes untouched. Raises ExpansionError."""
        return self._expand(text, Style(quotes_are_text=True)).text

    def _expand(self, text: str, style: Style) -> Expansion:
        found = expand(text, self.scope.variables, style)
        for name in sorted(found.unmatched - self.scope.declared.keys() - _NO_VARIABLES):
            hint = suggestion(name, self.scope.variables, "$")
            location, comments = self.instruction.location, self.instruction.comments
            self.lint.report("UndefinedVar", location, name, hint, comments=comments)
        return found


def proxy_variables(build_args: Mapping[str, str], scope: Scope) -> tuple[str, ...]:
    """Return the predefined proxy arguments that were given, in both cases, but for those the stage has itself."""
    given = {name.lower(): value for name, value in sorted(build_args.items()) if name.lower() in _PROXIES}
    pairs = [(name, value) for proxy, value in given.items() for name in (proxy.upper(), proxy)]
    return tuple(f"{name}={value}" for name, value in pairs if name not in scope.variables)


def argument_value(
    pair: ast.Pair, options: PlanOptions, global_args: Mapping[str, str], expander: Expander
) -> str | None:
    """Return what an ARG is worth: what was given, its default, or a global one's value. Raises ExpansionError."""
    if pair.name in options.build_args:
        return options.build_args[pair.name]
    if pair.value is not None:
        return expander(pair.value)
    return global_args.get(pair.name)
