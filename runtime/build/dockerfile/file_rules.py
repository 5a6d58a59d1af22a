"""Rules of `build --check` that look at a file's text alone (BuildKit, dockerfile2llb/validations.go)."""

from runtime.build.dockerfile import instructions as ast
from runtime.build.dockerfile.lint import Lint
from runtime.build.dockerfile.words import split_blanks, split_command

_RESERVED = ("context", "scratch")


def check_file(dockerfile: ast.Dockerfile, lint: Lint) -> None:
    """Report what the text alone shows."""
    for location in dockerfile.empty_continuations:
        lint.report("NoEmptyContinuation", ast.Location(location.file, location.last_line, location.last_line))
    for instruction in _all(dockerfile):
        _check_instruction(instruction, dockerfile.escape, lint)
    _check_stage_names(dockerfile, lint)
    _check_casing(dockerfile, lint)


def written_name(instruction: ast.Instruction) -> str:
    """Return an instruction's name in the case it is written in."""
    return split_blanks(instruction.text)[0]


def _all(dockerfile: ast.Dockerfile) -> list[ast.Instruction]:
    found: list[ast.Instruction] = list(dockerfile.global_args)
    for stage in dockerfile.stages:
        found += [stage.origin, *stage.instructions]
    return found


def _check_instruction(instruction: ast.Instruction, escape: str, lint: Lint) -> None:
    location, comments = instruction.location, instruction.comments
    if isinstance(instruction, ast.Maintainer):
        lint.report("MaintainerDeprecated", location, comments=comments)
    elif isinstance(instruction, ast.From):
        _check_from(instruction, escape, lint)
    elif isinstance(instruction, ast.Arg):
        _check_description("ARG", [pair.name for pair in instruction.pairs], instruction, lint)


def _check_from(instruction: ast.From, escape: str, lint: Lint) -> None:
    words = split_blanks(split_command(instruction.text, escape).rest)
    if len(words) != 3:
        return
    name, (_, keyword, alias) = written_name(instruction), words
    if alias != alias.lower():
        lint.report("StageNameCasing", instruction.location, alias, comments=instruction.comments)
    wanted = keyword.lower() if name == name.lower() else keyword.upper()
    if name in (name.lower(), name.upper()) and keyword != wanted:
        lint.report("FromAsCasing", instruction.location, name, keyword, comments=instruction.comments)
    _check_description("FROM", [instruction.alias], instruction, lint)


def _check_description(kind: str, names: list[str], instruction: ast.Instruction, lint: Lint) -> None:
    """A comment directly above describes what is defined, and begins with its name."""
    if not instruction.comments or instruction.comments[-1].split(" ")[0] in names:
        return
    example = names[0] if len(names) == 1 else "<arg_key>"
    lint.report("InvalidDefinitionDescription", instruction.location, kind, example, comments=instruction.comments)


def _check_stage_names(dockerfile: ast.Dockerfile, lint: Lint) -> None:
    seen: set[str] = set()
    for stage in dockerfile.stages:
        if stage.alias in _RESERVED:
            lint.report("ReservedStageName", stage.origin.location, stage.alias)
        if stage.alias and stage.alias in seen:
            lint.report("DuplicateStageName", stage.origin.location, stage.alias)
        seen.add(stage.alias)


def _check_casing(dockerfile: ast.Dockerfile, lint: Lint) -> None:
    written = [
        (instruction, written_name(instruction))
        for stage in dockerfile.stages
        for instruction in (stage.origin, *stage.instructions)
    ]
    lower = sum(name == name.lower() for _, name in written)
    upper = sum(name == name.upper() for _, name in written)
    for instruction, name in written:
        wanted, word = (name.lower(), "lowercase") if lower > upper else (name.upper(), "uppercase")
        if name != wanted:
            lint.report("ConsistentInstructionCasing", instruction.location, name, word)
