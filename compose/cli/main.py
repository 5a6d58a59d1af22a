"""The command line: global flags, dispatch, and the one place where errors become exit codes."""

import argparse
import errno
import os
import sys
from collections.abc import Sequence

from compose.cli import garbage, registry
from compose.cli.context import Context
from compose.cli.exit_codes import BROKEN_PIPE, INTERRUPTED, SUCCESS
from compose.cli.help import help_page, option_rows
from compose.cli.options import PROGRAM, add_dry_run, global_parser, is_true, settle_globals, wants_objects
from compose.cli.parser import HelpRequested, Parser, UsageError
from compose.errors import EXIT_FAILURE, ComposeError, ProjectError
from compose.orchestration.engine_errors import for_user
from runtime.errors import Cancelled, EngineError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What no program can help: where it writes there is no room."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return the exit code. Raises SystemExit only where a signal handler does."""
    options = argparse.Namespace(progress="auto", ansi="auto", verbose=False)
    try:
        code = _dispatch(arguments, options)
        sys.stdout.flush()
    except HelpRequested as request:
        sys.stdout.write(request.text)
        return SUCCESS
    except ComposeError as error:
        return _report(error, options)
    except (KeyboardInterrupt, Cancelled):
        sys.stderr.write("canceled\n")
        return INTERRUPTED
    except EngineError as error:
        return _report(for_user(error), options)
    except BrokenPipeError:
        # Python flushes standard output once more at exit; there is nobody left to read it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        if error.errno not in _FULL:
            return _report_defect(error, options)
        place = f" to `{error.filename}`" if error.filename else ""
        return _report(ComposeError(f"cannot write{place}: {os.strerror(error.errno or 0).lower()}"), options)
    except Exception as error:  # noqa: BLE001 - a defect: the last resort of the program
        return _report_defect(error, options)
    return code


def _dispatch(arguments: Sequence[str], options: argparse.Namespace) -> int:
    parser = global_parser()
    try:
        parser.read(arguments, options)
    except HelpRequested as request:
        raise HelpRequested(_overview(parser)) from request
    name, rest = options.command, list(options.rest)
    if options.version:
        name, rest = "version", []
    elif name == "help":
        name, rest = (rest[0], ["--help"]) if rest else ("", [])
    if not name:
        raise HelpRequested(_overview(parser))
    name = registry.ALIASES.get(name, name)
    command = registry.COMMANDS.get(name)
    if name in registry.ABSENT:
        raise ProjectError(f"this version of {PROGRAM} has no `{name}`", hint=f"`{PROGRAM} --help` lists what it has")
    if command is None:
        raise UsageError(f"unknown command `{name}`", hint=f"`{PROGRAM} --help` lists the commands")
    verb = Parser(
        f"{PROGRAM} {name}",
        usage=f"{PROGRAM} {name} {command.usage}",
        summary=command.summary,
        interspersed=command.interspersed,
    )
    add_dry_run(verb)
    registry.load(command.arguments).add_arguments(verb)
    verb.read(rest, options)
    settle_globals(options)
    context = Context(options, arguments)
    try:
        answered = _answered_shortly(name, context)
        if answered is not None:
            return answered
        if command.prepares and not options.dry_run:
            context.prepare()
        module = registry.load(command.module)
        garbage.begin_to_collect()
        code = module.run(context)
    except ComposeError as error:
        context.give_place(error)
        raise
    finally:
        context.close()
    return int(code)


def _answered_shortly(name: str, context: Context) -> int | None:
    """Return the exit code, if a light module could do all that a command was asked for."""
    for shortcut in registry.SHORTCUTS.get(name, ()):
        code: int | None = registry.load(shortcut).report(context)
        if code is not None:
            return code
    return None


def _overview(parser: argparse.ArgumentParser) -> str:
    """Return the help page of the program, from the table alone."""
    return help_page(
        usage=f"{PROGRAM} [OPTIONS] COMMAND",
        summary=parser.description or "",
        options=option_rows(action for action in parser._actions if action.option_strings),
        commands=[(name, command.summary) for name, command in sorted(registry.COMMANDS.items())],
        closing=f"Run '{PROGRAM} COMMAND --help' for more information on a command.",
    )


def _report(error: ComposeError, options: argparse.Namespace) -> int:
    """Print an error as the user wants to read it and return its exit code."""
    if wants_objects(options):
        sys.stderr.write(registry.load(registry.RENDERERS["json"]).error_lines(error))
    else:
        text = registry.load(registry.DIAGNOSTIC).render(error, ansi=options.ansi, stream=sys.stderr)
        sys.stderr.write(f"{text}\n")
    return error.exit_code


def _report_defect(error: Exception, options: argparse.Namespace) -> int:
    verbose = options.verbose or is_true(os.environ.get("PYCOMPOSE_DEBUG", ""))
    sys.stderr.write(registry.load(registry.DEFECT).report(error, program=PROGRAM, verbose=verbose))
    return EXIT_FAILURE
