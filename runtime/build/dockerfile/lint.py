"""The rules of `build --check`: BuildKit's, by name and in its words (frontend/dockerfile/linter/ruleset.go).

A rule speaks where something works and is probably not meant. `# check=skip=Rule,Rule;error=true` at the top of a
file, and `# check=skip=Rule` above an instruction, silence it or make the build fail.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import field, replace

from runtime.build.dockerfile.instructions import Location
from runtime.build.dockerfile.words import WordError
from schemas.booleans import BOOLEANS
from schemas.dataclass import dataclass

_URL = "https://docs.docker.com/go/dockerfile/rule/{}/"
_COMMENT = re.compile(r"\s*check\s*=\s*(.+?)\s*", re.IGNORECASE)
_DISTANCE = 3
"""A name that is less than so many edits away is what was meant."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its name, what it wants, and the text of its warning."""

    name: str
    description: str
    text: str
    """For str.format."""
    experimental: bool = False

    @property
    def url(self) -> str:
        """Where it is explained."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=JSON)(?=[A-Z])", "-", self.name).lower()
        return _URL.format(words)


@dataclass(frozen=True, slots=True)
class LintWarning:
    """What a rule found."""

    rule: Rule
    message: str
    location: Location


RULES = {
    rule.name: rule
    for rule in (
        Rule("StageNameCasing", "Stage names should be lowercase", "Stage name '{}' should be lowercase"),
        Rule(
            "FromAsCasing",
            "The 'as' keyword should match the case of the 'from' keyword",
            "'{1}' and '{0}' keywords' casing do not match",
        ),
        Rule(
            "NoEmptyContinuation",
            "Empty continuation lines will become errors in a future release",
            "Empty continuation line",
        ),
        Rule(
            "ConsistentInstructionCasing",
            "All commands within the Dockerfile should use the same casing (either upper or lower)",
            "Command '{}' should match the case of the command majority ({})",
        ),
        Rule(
            "DuplicateStageName",
            "Stage names should be unique",
            'Duplicate stage name "{}", stage names should be unique',
        ),
        Rule(
            "ReservedStageName",
            "Reserved words should not be used as stage names",
            'Stage name should not use the same name as reserved stage "{}"',
        ),
        Rule(
            "JSONArgsRecommended",
            "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
            "JSON arguments recommended for {} to prevent unintended behavior related to OS signals",
        ),
        Rule(
            "MaintainerDeprecated",
            "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
            "Maintainer instruction is deprecated in favor of using label",
        ),
        Rule(
            "UndefinedArgInFrom",
            "FROM command must use declared ARGs",
            "FROM argument '{}' is not declared{}",
        ),
        Rule(
            "WorkdirRelativePath",
            "Relative workdir without an absolute workdir declared within the build can have unexpected results if the "
            "base image changes",
            'Relative workdir "{}" can have unexpected results if the base image changes',
        ),
        Rule(
            "UndefinedVar",
            "Variables should be defined before their use",
            "Usage of undefined variable '${}'{}",
        ),
        Rule(
            "MultipleInstructionsDisallowed",
            "Multiple instructions of the same type should not be used in the same stage",
            "Multiple {} instructions should not be used in the same stage because only the last one will be used",
        ),
        Rule(
            "LegacyKeyValueFormat",
            "Legacy key/value format with whitespace separator should not be used",
            '"{0} key=value" should be used instead of legacy "{0} key value" format',
        ),
        Rule(
            "InvalidBaseImagePlatform",
            "Base image platform does not match expected target platform",
            'Base image {0} was pulled with platform "{2}", expected "{1}" for current build',
        ),
        Rule(
            "RedundantTargetPlatform",
            "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
            "Setting platform to predefined {} in FROM is redundant as this is the default behavior",
        ),
        Rule(
            "SecretsUsedInArgOrEnv",
            "Sensitive data should not be used in the ARG or ENV commands",
            'Do not use ARG or ENV instructions for sensitive data ({} "{}")',
        ),
        Rule(
            "InvalidDefaultArgInFrom",
            "Default value for global ARG results in an empty or invalid base image name",
            "Default value for ARG {} results in empty or invalid base image name",
        ),
        Rule(
            "FromPlatformFlagConstDisallowed",
            "FROM --platform flag should not use a constant value",
            'FROM --platform flag should not use constant value "{}"',
        ),
        Rule(
            "CopyIgnoredFile",
            "Attempting to Copy file that is excluded by .dockerignore",
            'Attempting to {} file "{}" that is excluded by .dockerignore',
        ),
        Rule(
            "InvalidDefinitionDescription",
            "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this "
            "is not intended to be a description comment, add an empty line or comment between the instruction and the "
            "comment.",
            "Comment for {} should follow the format: `# {} <description>`",
            experimental=True,
        ),
        Rule(
            "ExposeProtoCasing",
            "Protocol in EXPOSE instruction should be lowercase",
            "Defined protocol '{}' in EXPOSE instruction should be lowercase",
        ),
        Rule(
            "ExposeInvalidFormat",
            "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a "
            "future release",
            "EXPOSE instruction should not define an IP address or host-port mapping, found '{}'",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class LintOptions:
    """What a `check=` says."""

    skip: frozenset[str] = frozenset()
    skip_all: bool = False
    experimental: frozenset[str] = frozenset()
    experimental_all: bool = False
    error: bool = False
    """A warning makes the build fail."""

    def with_comments(self, comments: Iterable[str]) -> "LintOptions":
        """Return them with those that stand above an instruction."""
        for comment in comments:
            match = _COMMENT.fullmatch(comment)
            if match is None:
                continue
            try:
                more = read_lint_options(match[1].partition(" ")[0])
            except WordError:
                return self
            return replace(
                self,
                skip=self.skip | more.skip,
                skip_all=self.skip_all or more.skip_all,
                experimental=self.experimental | more.experimental,
                experimental_all=self.experimental_all or more.experimental_all,
            )
        return self

    def wants(self, rule: Rule) -> bool:
        """Whether a rule counts."""
        if rule.experimental:
            return self.experimental_all or rule.name in self.experimental
        return not self.skip_all and rule.name not in self.skip


@dataclass(slots=True)
class Lint:
    """Collects what the rules find."""

    options: LintOptions = field(default_factory=LintOptions)
    warnings: list[LintWarning] = field(default_factory=list)

    def report(self, name: str, location: Location, *values: str, comments: Sequence[str] = ()) -> None:
        """Keep a warning, unless its rule is silenced; the same one is kept once."""
        rule = RULES[name]
        if not self.options.with_comments(comments).wants(rule):
            return
        warning = LintWarning(rule, rule.text.format(*values), location)
        if warning not in self.warnings:
            self.warnings.append(warning)


def read_lint_options(text: str) -> LintOptions:
    """Return what `skip=A,B;error=true` says. Raises WordError."""
    options = LintOptions()
    for part in text.strip().split(";", 2) if text.strip() else []:
        key, equals, value = part.partition("=")
        names = [name.strip() for name in value.split(",")]
        key = key.strip()
        if not equals or key not in ("skip", "experimental", "error"):
            raise WordError(
                f"invalid check option `{part.strip()}`", "`skip=Rule,Rule`, `experimental=…`, `error=true`"
            )
        if key == "skip":
            options = replace(options, skip=frozenset(names), skip_all=names == ["all"])
        elif key == "experimental":
            options = replace(options, experimental=frozenset(names), experimental_all=names == ["all"])
        elif value.strip() not in BOOLEANS:
            raise WordError(f"invalid check option `{part.strip()}`", "`error=true` or `error=false`")
        else:
            options = replace(options, error=BOOLEANS[value.strip()])
    return options


def suggestion(name: str, known: Iterable[str], mark: str = "") -> str:
    """Return ` (did you mean NAME?)` for a name less than three edits away, or nothing."""
    best, distance = "", _DISTANCE
    for other in known:
        if other == name:
            return ""
        if abs(len(other) - len(name)) < distance and (found := _edits(name, other)) < distance:
            best, distance = other, found
    return f" (did you mean {mark}{best}?)" if best else ""


def _edits(first: str, second: str) -> int:
    """Levenshtein's distance."""
    row = list(range(len(second) + 1))
    for index, character in enumerate(first, 1):
        previous, row[0] = row[0], index
        for column, other in enumerate(second, 1):
            previous, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, previous + (character != other)),
            )
    return row[-1]
