"""The stages of a Dockerfile, what each stands on, and which of them a target needs.

Source: BuildKit, frontend/dockerfile/dockerfile2llb/convert.go.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from runtime.build.dockerfile import instructions as ast
from runtime.build.dockerfile.expansion import Expansion, ExpansionError, Style, expand
from runtime.build.dockerfile.faults import error_at, raise_together
from runtime.build.dockerfile.file_rules import check_file
from runtime.build.dockerfile.flags import nearest
from runtime.build.dockerfile.lint import Lint, suggestion
from runtime.build.dockerfile.mounts import source_names
from runtime.build.dockerfile.reader import read_trigger
from runtime.build.plan import ImageSource, ScratchSource, Source, StageSource
from runtime.build.planning.options import BaseImage, PlanOptions
from runtime.errors import InvalidArgument, SourceError
from runtime.image.platforms import format_platform, own_platform, parse_platform
from runtime.image.reference import familiar, parse
from schemas.dataclass import dataclass
from schemas.oci.image import Platform

_INDEX = re.compile(r"[+-]?[0-9]+")
_SCRATCH = "scratch"
_RESERVED = (_SCRATCH, "context")


@dataclass(frozen=True, slots=True)
class StageOutline:
    """A stage and what it stands on."""

    index: int
    stage: ast.Stage
    base: Source
    platform: Platform
    base_name: str
    """As written, expanded."""
    is_replaced: bool = False
    """A named context stands in its place: its instructions do not count."""

    @property
    def name(self) -> str:
        """Its alias, or `stage-N`."""
        return self.stage.alias or f"stage-{self.index}"


@dataclass(frozen=True, slots=True)
class Outline:
    """All stages, before any base image is known."""

    dockerfile: ast.Dockerfile
    options: PlanOptions
    global_args: Mapping[str, str]
    """ARGs before the first FROM, and the predefined ones."""
    stages: tuple[StageOutline, ...]
    target: int

    def error(self, message: str, location: ast.Location, hint: str = "", mark: str = "") -> SourceError:
        """Return the error that shows an instruction."""
        return error_at(message, location, self.dockerfile.lines, hint, mark)

    def source(self, name: str, current: int, location: ast.Location, *, by_index: bool) -> Source:
        """Return what a `from` names in the stage `current`. Raises SourceError."""
        named = next((it for it in reversed(self.stages) if it.stage.alias and it.stage.alias == name.lower()), None)
        if by_index and _INDEX.fullmatch(name):
            if not 0 <= int(name) < len(self.stages):
                raise self.error(f"invalid stage index `{name}`", location, f"the last one is {len(self.stages) - 1}")
            named = self.stages[int(name)]
        if named is not None:
            if named.index >= current:
                message = f"stage `{name}` needs to be defined before current stage `{self.stages[current].name}`"
                raise self.error(message, location, mark=name)
            return StageSource(named.index)
        if name == _SCRATCH:
            return ScratchSource()
        try:
            return _image(name, self.options, self.options.platform)
        except InvalidArgument as error:
            raise self.error(error.message, location, nearest(name, _names(self.stages)), name) from None


def outline(dockerfile: ast.Dockerfile, options: PlanOptions, lint: Lint) -> Outline:
    """Return the stages of a Dockerfile. Raises SourceError (ErrorSet for several), InvalidArgument."""
    check_file(dockerfile, lint)
    style = Style(escape=dockerfile.escape)
    predefined = _predefined(dockerfile, options)
    defaults = _Globals(dockerfile, predefined, {}, style)
    given = _Globals(dockerfile, predefined, options.build_args, style)
    raise_together(given.errors)
    stages: list[StageOutline] = []
    errors: list[SourceError] = []
    for index, stage in enumerate(dockerfile.stages):
        _check_default_base(stage.origin, defaults, lint)
        try:
            stages.append(_outline_stage(index, stage, stages, given, options, lint))
        except SourceError as error:
            errors.append(error)
    raise_together(errors)
    target = _target(options.target, stages)
    return Outline(dockerfile, options, given.values, tuple(stages), target)


def missing_bases(sketch: Outline, bases: Mapping[ImageSource, BaseImage]) -> tuple[ImageSource, ...]:
    """Return the images whose configuration has to be known, and is not among `bases`.

    Base images bring triggers, and triggers may bring further images: ask again with what was asked for.
    """
    wanted = (sketch.stages[index].base for index in needed_stages(sketch, bases))
    images = [source for source in wanted if isinstance(source, ImageSource) and source not in bases]
    return tuple(dict.fromkeys(images))


def needed_stages(sketch: Outline, bases: Mapping[ImageSource, BaseImage]) -> tuple[int, ...]:
    """Return the numbers of the stages that the target needs, in order, the target too. Raises SourceError."""
    found: set[int] = set()
    waiting = [sketch.target]
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting += direct_needs(sketch, index, bases)
    return tuple(sorted(found))


def direct_needs(sketch: Outline, index: int, bases: Mapping[ImageSource, BaseImage]) -> tuple[int, ...]:
    """Return the numbers of the stages that one stage takes something from. Raises SourceError."""
    stage = sketch.stages[index]
    sources = [stage.base]
    for instruction in body(sketch, index, bases):
        sources += sources_of(sketch, index, instruction)
    return tuple(sorted({source.index for source in sources if isinstance(source, StageSource)}))


def body(sketch: Outline, index: int, bases: Mapping[ImageSource, BaseImage]) -> tuple[ast.Instruction, ...]:
    """Return a stage's instructions, the triggers of its base first. Raises InvalidArgument."""
    stage = sketch.stages[index]
    if stage.is_replaced:
        return ()
    triggers: tuple[str, ...] = ()
    if isinstance(stage.base, ImageSource) and stage.base in bases:
        triggers = bases[stage.base].config.on_build
    elif isinstance(stage.base, StageSource):
        parent = sketch.stages[stage.base.index].stage.instructions
        triggers = tuple(it.trigger for it in parent if isinstance(it, ast.Onbuild))
    location = stage.stage.origin.location
    read = tuple(read_trigger(text, location, "\\") for text in triggers)
    return read + stage.stage.instructions


def sources_of(sketch: Outline, index: int, instruction: ast.Instruction) -> Iterator[Source]:
    """Yield what an instruction takes files from, but for the build context. Raises SourceError."""
    if isinstance(instruction, ast.Copy) and instruction.source_from:
        name = instruction.source_from
        if "$" in name or "\\" in name:
            raise sketch.error(
                "variable expansion is not supported for --from",
                instruction.location,
                "define a new stage with `FROM $NAME AS alias` before, using an ARG from before the first FROM",
                name,
            )
        yield sketch.source(name, index, instruction.location, by_index=True)
    elif isinstance(instruction, ast.Run):
        for name in source_names(instruction.mounts):
            yield sketch.source(name, index, instruction.location, by_index=False)


class _Globals:
    """The variables that FROM lines may use."""

    def __init__(
        self, dockerfile: ast.Dockerfile, predefined: Mapping[str, str], given: Mapping[str, str], style: Style
    ) -> None:
        self.values = dict(predefined)
        self.declared: set[str] = set()
        self.errors: list[SourceError] = []
        self.lines = dockerfile.lines
        self._style = style
        for arg in dockerfile.global_args:
            for pair in arg.pairs:
                self.declared.add(pair.name)
                value = given.get(pair.name)
                if value is None and pair.value is not None:
                    value = self._default(pair.value, arg.location)
                if value is not None:
                    self.values[pair.name] = value

    def expand(self, text: str) -> Expansion:
        """Raises ExpansionError."""
        return expand(text, self.values, self._style)

    def _default(self, text: str, location: ast.Location) -> str | None:
        try:
            return self.expand(text).text
        except ExpansionError as error:
            self.errors.append(error_at(str(error), location, self.lines, mark=text))
            return None


def _predefined(dockerfile: ast.Dockerfile, options: PlanOptions) -> dict[str, str]:
    """The platform arguments (Dockerfile reference, "Automatic platform ARGs in the global scope")."""
    build, target = own_platform(), options.platform
    stage = options.target or dockerfile.stages[-1].alias or "default"
    values = {"TARGETSTAGE": stage}
    for prefix, platform in (("BUILD", build), ("TARGET", target)):
        values[f"{prefix}PLATFORM"] = format_platform(platform)
        values[f"{prefix}OS"] = platform.os
        values[f"{prefix}OSVERSION"] = ""
        values[f"{prefix}ARCH"] = platform.architecture
        values[f"{prefix}VARIANT"] = platform.variant
    return {name: options.build_args.get(name, value) for name, value in values.items()}


def _outline_stage(
    index: int, stage: ast.Stage, before: Sequence[StageOutline], given: _Globals, options: PlanOptions, lint: Lint
) -> StageOutline:
    origin = stage.origin
    name = _expanded_base(origin, given, lint)
    platform = _stage_platform(origin, given, lint) if origin.platform else options.platform
    replacement = options.contexts.get(stage.alias) if stage.alias and stage.alias not in _RESERVED else None
    if replacement is not None:
        return StageOutline(index, stage, replacement, platform, name, is_replaced=True)
    parent = next((it for it in reversed(before) if it.stage.alias and it.stage.alias == name), None)
    if parent is not None:
        return StageOutline(index, stage, StageSource(parent.index), parent.platform, name)
    if name == _SCRATCH:
        return StageOutline(index, stage, ScratchSource(), platform, name)
    try:
        return StageOutline(index, stage, _image(name, options, platform), platform, name)
    except InvalidArgument as error:
        raise error_at(
            error.message, origin.location, given.lines, nearest(name, _names(before)), origin.base
        ) from None


def _expanded_base(origin: ast.From, given: _Globals, lint: Lint) -> str:
    try:
        found = given.expand(origin.base)
    except ExpansionError as error:
        raise error_at(str(error), origin.location, given.lines, mark=origin.base) from None
    _report_undeclared(found, origin, given, lint)
    if not found.text:
        names = ", ".join(f"`{name}`" for name in sorted(found.unmatched))
        hint = f"{names} has no value: `ARG` before the first FROM gives it one, or a build argument" if names else ""
        message = f"base name `{origin.base}` should not be blank"
        raise error_at(message, origin.location, given.lines, hint, origin.base)
    return found.text


def _stage_platform(origin: ast.From, given: _Globals, lint: Lint) -> Platform:
    text = origin.platform
    hint = ""
    try:
        found = given.expand(text)
        hint = "".join(suggestion(name, given.values, "$") for name in sorted(found.unmatched)).strip(" ()")
        _report_undeclared(found, origin, given, lint)
        _check_platform_rules(origin, found, given, lint)
        if not found.text:
            raise ValueError(f"empty platform value from expression `{text}`")
        return parse_platform(found.text)
    except (ValueError, InvalidArgument) as error:
        raise error_at(str(error), origin.location, given.lines, hint, text) from None


def _check_platform_rules(origin: ast.From, found: Expansion, given: _Globals, lint: Lint) -> None:
    comments = origin.comments
    if found.matched == {"TARGETPLATFORM"} and not found.unmatched and found.text == given.values["TARGETPLATFORM"]:
        lint.report("RedundantTargetPlatform", origin.location, origin.platform, comments=comments)
    if found.matched or found.unmatched or not found.text:
        return
    try:
        platform = parse_platform(found.text)
    except InvalidArgument:
        return
    if platform.os not in origin.alias and platform.architecture not in origin.alias:
        lint.report("FromPlatformFlagConstDisallowed", origin.location, found.text, comments=comments)


def _report_undeclared(found: Expansion, origin: ast.From, given: _Globals, lint: Lint) -> None:
    known = given.declared | set(given.values)
    for name in sorted(found.unmatched - known):
        lint.report(
            "UndefinedArgInFrom", origin.location, name, suggestion(name, sorted(known)), comments=origin.comments
        )


def _check_default_base(origin: ast.From, defaults: _Globals, lint: Lint) -> None:
    """Whether the base is an image's name also where no build argument is given."""
    try:
        parse(defaults.expand(origin.base).text)
    except ExpansionError:
        return
    except InvalidArgument:
        lint.report("InvalidDefaultArgInFrom", origin.location, origin.base)


def _image(name: str, options: PlanOptions, platform: Platform) -> Source:
    """An image by name, or the named context that stands in its place. Raises InvalidArgument."""
    reference = familiar(name)
    for context, source in options.contexts.items():
        if context in _RESERVED:
            continue
        try:
            if familiar(context) == reference:
                return source
        except InvalidArgument:
            continue
    own = format_platform(own_platform())
    wanted = format_platform(platform)
    return ImageSource(name, "" if wanted == own else wanted)


def _target(name: str, stages: Sequence[StageOutline]) -> int:
    if not name:
        return len(stages) - 1
    for stage in reversed(stages):
        if stage.stage.alias == name.lower():
            return stage.index
    names = _names(stages)
    known = f"its stages are {', '.join(f'`{it}`' for it in names)}" if names else "no stage has a name"
    raise InvalidArgument(f"target stage `{name}` could not be found", hint=nearest(name, names) or known)


def _names(stages: Sequence[StageOutline]) -> list[str]:
    return [stage.stage.alias for stage in stages if stage.stage.alias]
