"""`--filter` of the image commands (docker image ls, docker image prune)."""

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import field

from compose.cli.moments import moment_ns
from compose.errors import ProjectError
from compose.render.images import repository_and_tag
from schemas.dataclass import dataclass
from schemas.engine.records import ImageRecord

LISTING = ("before", "dangling", "label", "reference", "since", "until")
PRUNING = ("dangling", "label", "label!", "until")
_TRUTH = {"1": True, "true": True, "0": False, "false": False}
_WILDCARDS = re.compile(r"(\*|\?|\[[^\]/]+\])")


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """What images must be like. Empty settings ask for nothing."""

    dangling: bool | None = None
    labels: tuple[str, ...] = ()
    without_labels: tuple[str, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = field(default=())
    after_ns: int | None = None
    before_ns: int | None = None

    def matches(self, record: ImageRecord) -> bool:
        """Whether an image is one of those asked for; `names` says by which of its names."""
        return (
            self.dangling in (None, not record.references)
            and all(_has(record, label) for label in self.labels)
            and not any(_has(record, label) for label in self.without_labels)
            # Images that are built reproducibly are often of 1970, or tell no time at all.
            and (self.after_ns is None or record.created_ns > self.after_ns)
            and (self.before_ns is None or record.created_ns < self.before_ns)
            and (not self.patterns or bool(self.names(record)))
        )

    def names(self, record: ImageRecord) -> tuple[str, ...]:
        """Return the names of an image that were asked for."""
        return tuple(name for name in record.references if not self.patterns or any(map(_named(name), self.patterns)))


def read_filters(
    texts: Sequence[str], known: Collection[str], find: Callable[[str], ImageRecord], references: Sequence[str] = ()
) -> ImageFilter:
    """Read filters, and names that may have wildcards. Raises ProjectError, and what `find` raises."""
    values: dict[str, list[str]] = {key: [] for key in known}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ProjectError(f"invalid argument `{text}` for `--filter`", hint="it is written NAME=VALUE")
        if key not in values:
            raise ProjectError(f"invalid filter `{key}`", hint=f"there are {', '.join(sorted(known))}")
        values[key].append(value)
    now = time.time_ns()
    older = [moment_ns("--filter until", text, now) for text in values.get("until", ())]
    older += [find(text).created_ns for text in values.get("before", ())]
    return ImageFilter(
        dangling=_truth(values.get("dangling", [])),
        labels=tuple(values.get("label", ())),
        without_labels=tuple(values.get("label!", ())),
        patterns=tuple(_pattern(text) for text in (*values.get("reference", ()), *references)),
        after_ns=max((find(text).created_ns for text in values.get("since", ())), default=None),
        before_ns=min(older, default=None),
    )


def _truth(texts: Sequence[str]) -> bool | None:
    if not texts:
        return None
    if texts[-1].lower() not in _TRUTH:
        raise ProjectError(f"invalid filter `dangling={texts[-1]}`", hint="it is true or false")
    return _TRUTH[texts[-1].lower()]


def _has(record: ImageRecord, label: str) -> bool:
    name, equals, value = label.partition("=")
    return name in record.config.labels and (not equals or record.config.labels[name] == value)


def _pattern(text: str) -> re.Pattern[str]:
    """Return a pattern of Go's path.Match: wildcards do not cross a slash."""
    places = {"*": "[^/]*", "?": "[^/]"}
    parts = [places.get(part) or (part if part.startswith("[") else re.escape(part)) for part in _WILDCARDS.split(text)]
    try:
        return re.compile("".join(parts))
    except re.error as error:
        raise ProjectError(f"invalid reference pattern `{text}`: {error}") from error


def _named(name: str) -> Callable[[re.Pattern[str]], bool]:
    forms = (name, repository_and_tag(name)[0])
    return lambda pattern: any(pattern.fullmatch(form) for form in forms)
