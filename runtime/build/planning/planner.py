"""The plan of a target: which stages, in which order, with which steps."""

from collections.abc import Mapping

from runtime.build.dockerfile.faults import raise_together
from runtime.build.dockerfile.lint import Lint
from runtime.build.plan import BuildPlan, ImageSource, PlannedStage, StageSource
from runtime.build.planning.options import BaseImage
from runtime.build.planning.outline import Outline, StageOutline, body, direct_needs, needed_stages
from runtime.build.planning.scope import Scope
from runtime.build.planning.stage import StagePlanner, StageState
from runtime.errors import InvalidArgument, SourceError
from runtime.image.platforms import format_platform
from schemas.engine.records import ImageConfig

_EPOCH = "SOURCE_DATE_EPOCH"


def complete(
    sketch: Outline, bases: Mapping[ImageSource, BaseImage], lint: Lint, *, all_stages: bool = False
) -> BuildPlan:
    """Return the plan of the target, once `missing_bases` names nothing any more.

    With `all_stages` every stage is planned, needed or not. Raises SourceError, ErrorSet for several.
    """
    needed = range(len(sketch.stages)) if all_stages else needed_stages(sketch, bases)
    planned: dict[int, PlannedStage] = {}
    states: dict[int, StageState] = {}
    errors: list[SourceError] = []
    for index in needed:
        stage = sketch.stages[index]
        planner = StagePlanner(sketch, index, _begin(stage, states, bases), lint)
        _check_platform(stage, bases, lint)
        for instruction in body(sketch, index, bases):
            planner.take(instruction)
        errors += planner.errors
        states[index] = planner.state
        planned[index] = _planned(sketch, stage, planner, bases)
    raise_together(errors)
    return BuildPlan(tuple(planned.values()), sketch.target, format_platform(sketch.options.platform), _epoch_s(sketch))


def _begin(stage: StageOutline, states: Mapping[int, StageState], bases: Mapping[ImageSource, BaseImage]) -> StageState:
    """What a stage begins with: the end of the one it stands on, or what its image says."""
    if isinstance(stage.base, StageSource):
        return states[stage.base.index].begin()
    base = bases.get(stage.base) if isinstance(stage.base, ImageSource) else None
    if base is None:
        return StageState(ImageConfig(working_dir="/"), Scope()).begin()
    return StageState(base.config, Scope(), base.author).begin()


def _planned(
    sketch: Outline, stage: StageOutline, planner: StagePlanner, bases: Mapping[ImageSource, BaseImage]
) -> PlannedStage:
    base = bases.get(stage.base) if isinstance(stage.base, ImageSource) else None
    first = planner.steps[0].config if planner.steps else planner.state.config
    return PlannedStage(
        index=stage.index,
        name=stage.name,
        base=stage.base,
        base_config=base.config if base else first,
        location=stage.stage.origin.location,
        text=stage.stage.origin.text,
        steps=tuple(planner.steps),
        needs=direct_needs(sketch, stage.index, bases),
        author=planner.state.author,
    )


def _check_platform(stage: StageOutline, bases: Mapping[ImageSource, BaseImage], lint: Lint) -> None:
    base = bases.get(stage.base) if isinstance(stage.base, ImageSource) else None
    if base is None or (base.platform.os, base.platform.architecture) == (
        stage.platform.os,
        stage.platform.architecture,
    ):
        return
    wanted, actual = format_platform(stage.platform), format_platform(base.platform)
    origin = stage.stage.origin
    lint.report("InvalidBaseImagePlatform", origin.location, stage.base_name, wanted, actual, comments=origin.comments)


def _epoch_s(sketch: Outline) -> int | None:
    text = sketch.options.build_args.get(_EPOCH) or sketch.global_args.get(_EPOCH)
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise InvalidArgument(f"`{_EPOCH}` is `{text}`, not a number of seconds since 1970")
    return int(text)
