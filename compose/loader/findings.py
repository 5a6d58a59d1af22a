"""What is wrong and what is odd in a project's files, each with its place, once, in the order of the places."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from typing import Any

from compose import errors
from compose.errors import ComposeError, ErrorGroup, Span
from compose.loader.places import Clue, Source, Sources, values_along
from compose.loader.problem import MAX_TOLD, TOO_LARGE, Path, Problem, Problems
from schemas.dataclass import dataclass

_MAX_PLACES = 3
"""Further places of one warning that are named."""


@dataclass(slots=True)
class _Oddity:
    """A warning, and where it was met."""

    warning: errors.Warning
    places: dict[Span | None, None]

    def told(self) -> errors.Warning:
        _, *further = self.places
        if not further:
            return self.warning
        named = ", ".join(map(str, further[:_MAX_PLACES]))
        more = f" and {len(further) - _MAX_PLACES} more" if len(further) > _MAX_PLACES else ""
        old = self.warning
        return errors.Warning(old.message, old.span, old.hint, context=f"also at {named}{more}", code=old.code)


@dataclass(slots=True)
class Findings:
    """Gives problems and warnings their places in the files read so far."""

    sources: Sources = field(default_factory=Sources)
    _oddities: dict[str, _Oddity] = field(default_factory=dict)
    _untold: int = 0
    """Warnings that are one too many."""
    _within: tuple[Source, ...] = ()
    """The files that the stage at work looks at; none: all."""
    _own: Source | None = None
    """The one that it is about, where it looks at all."""

    @property
    def warnings(self) -> list[errors.Warning]:
        """Each once, with all of its places."""
        told = [oddity.told() for oddity in self._oddities.values()]
        if self._untold:
            told.append(errors.Warning(f"{self._untold} more warnings are not shown"))
        return told

    def note(self, warning: errors.Warning) -> None:
        """Keep a warning that another room made."""
        oddity = self._oddities.setdefault(warning.message, _Oddity(warning, {}))
        if len(oddity.places) < MAX_TOLD:
            oddity.places[warning.span] = None

    def report(
        self,
        message: str,
        path: Path = (),
        hint: str = "",
        *,
        fragment: str = "",
        code: str = "warning",
        on_key: bool = False,
    ) -> None:
        """Note a warning about a path; of very many, count it."""
        known = self._oddities.get(message)
        if known is None and len(self._oddities) >= MAX_TOLD:
            self._untold += 1
            return
        if known is not None and len(known.places) >= MAX_TOLD:
            return
        span = self._places(self._within).span(path, Clue(fragment=fragment, on_key=on_key)) if path else None
        self.note(errors.Warning(message, span, hint, code=code))

    @contextmanager
    def placed(self, *sources: Source, tree: Any = None, own: Source | None = None) -> Iterator[None]:
        """Turn Problems into ComposeErrors that have their place, in these sources or in all; `tree` is looked at.

        Of places that are equally good, one in the `own` source is it.
        """
        before, self._within = self._within, sources
        preferred, self._own = self._own, own
        try:
            yield
        except Problem as problem:
            raise self.error(problem, tree) from None
        except Problems as problems:
            # An anchor that is wrong is wrong in every service that uses it; it is told once.
            told = {(error.span, _anonymous(problem)): error for problem, error in self._errors(problems, tree)}
            raise one_of(told.values(), more=problems.more) from None
        finally:
            self._within = before
            self._own = preferred

    def _errors(self, problems: Problems, tree: Any) -> Iterator[tuple[Problem, ComposeError]]:
        # The last of equal keys wins above: the first that is told is the first that was found.
        for problem in reversed(problems.problems):
            yield problem, self.error(problem, tree)

    def error(self, problem: Problem, tree: Any = None) -> ComposeError:
        """The error, with its place."""
        places = self._places(self._within)
        clue = Clue(problem.needle, problem.fragment, problem.on_key, values_along(tree, problem.path))
        note = problem.note
        if problem.also is not None and (other := self.sources.span(problem.also[1])) is not None:
            note = f"{problem.also[0]} {other}"
        return problem.kind(
            problem.message,
            hint=problem.hint,
            context=note,
            span=places.span(problem.path, clue, self._own.documents if self._own else ()),
            code=problem.code,
            path=problem.path,
        )

    def _places(self, sources: Sequence[Source]) -> Sources:
        return Sources(list(sources), self.sources.bases) if sources else self.sources


class Failures:
    """Errors of steps that do not need each other: all are made, then all errors raised."""

    def __init__(self) -> None:
        self.errors: list[ComposeError] = []
        self._more = False

    @contextmanager
    def collected(self, *, following: bool = False) -> Iterator[None]:
        """Keep the errors of one step; of a `following` one those only that no error before can have caused."""
        try:
            yield
        except ErrorGroup as group:
            self._more = self._more or group.more
            self._keep(group.errors, following)
        except ComposeError as error:
            if error.code == TOO_LARGE:
                raise
            self._keep((error,), following)

    def _keep(self, found: Sequence[ComposeError], following: bool) -> None:
        known = [error.path for error in self.errors] if following else []
        kept = [error for error in found if not any(path and _on_one_branch(error.path, path) for path in known)]
        room = MAX_TOLD - len(self.errors)
        self.errors += kept[:room]
        self._more = self._more or len(kept) > room

    def raise_any(self) -> None:
        """Raise what was kept: the error, or an ErrorGroup."""
        if self.errors:
            raise one_of(self.errors, more=self._more)


def one_of(found: Iterable[ComposeError], *, more: bool = False) -> ComposeError:
    """Return the error, or the group of several: each once, by file, line and column."""
    unique = {(error.span, error.message): error for error in found}
    files = list(dict.fromkeys(error.span.file for error in unique.values() if error.span))
    ordered = sorted(unique.values(), key=lambda error: _order(error, files))
    return ordered[0] if len(ordered) == 1 else ErrorGroup(ordered, more=more)


def _on_one_branch(path: Path, other: Path) -> bool:
    depth = min(len(path), len(other))
    return path[:depth] == other[:depth]


def _anonymous(problem: Problem) -> str:
    """The message without the name of the service that it is about."""
    if problem.path[:1] != ("services",) or len(problem.path) == 1:
        return problem.message
    return re.sub(rf"(?<!\w){re.escape(str(problem.path[1]))}(?!\w)", "*", problem.message, count=1)


def _order(error: ComposeError, files: Sequence[str]) -> tuple[int, int, int]:
    span = error.span
    return (files.index(span.file), span.line, span.column) if span else (len(files), 0, 0)
