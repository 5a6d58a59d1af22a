"""`exec`."""

import argparse
import os
import sys

from compose.cli import terminal
from compose.cli.context import Context
from compose.cli.exit_codes import SUCCESS
from compose.cli.options import add_index
from compose.cli.selection import replica
from compose.cli.values import environment_of
from compose.errors import ProjectError
from runtime.api import ExecSession
from runtime.errors import StartFailed
from schemas.engine.specs import ExecSpec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add = parser.add_argument
    add("-d", "--detach", action="store_true", help="Detached mode: Run command in the background")
    add("-e", "--env", action="append", default=[], metavar="stringArray", help="Set environment variables")
    add_index(parser)
    add("-i", "--interactive", action="store_true", default=True, help=argparse.SUPPRESS)
    add(
        "-T",
        "--no-TTY",
        "--no-tty",
        dest="no_tty",
        action="store_true",
        help="Disable pseudo-TTY allocation. By default a TTY is allocated where input and output are terminals",
    )
    add("--privileged", action="store_true", help="Give extended privileges to the process")
    add("-t", "--tty", action="store_true", default=True, help=argparse.SUPPRESS)
    add("-u", "--user", default="", help="Run the command as this user")
    add("-w", "--workdir", default="", help="Path to workdir directory for this command")
    add("service", metavar="SERVICE")
    add("program", metavar="COMMAND")
    add("arguments", nargs="*", metavar="ARGS")


def run(context: Context) -> int:
    """Run a program in a container and return its exit code."""
    options = context.options
    record = replica(context, options.service, options.index)
    if options.dry_run:
        context.note(f" DRY-RUN MODE -  Container {record.name}  Executing {options.program}")
        return SUCCESS
    wants_tty = options.tty and not options.no_tty and not options.detach
    tty = wants_tty and terminal.is_terminal(0) and terminal.is_terminal(1)
    rows, columns = terminal.size()
    spec = ExecSpec(
        command=(options.program, *options.arguments),
        environment=environment_of(options.env, os.environ),
        user=options.user,
        working_dir=options.workdir,
        tty=tty,
        privileged=options.privileged,
        rows=rows,
        columns=columns,
    )
    streams: tuple[int | None, int | None, int | None] = (0 if options.interactive else None, 1, 2)
    if tty or options.detach:
        streams = (None, None, None)
    sys.stdout.flush()
    try:
        session = context.sessions().exec_start(record.id, spec, stdin=streams[0], stdout=streams[1], stderr=streams[2])
    except StartFailed as error:
        raise ProjectError(error.message, hint=error.hint, exit_code=error.exit_code) from error
    if options.detach:
        return SUCCESS
    return _wait(session) if session.pty_fd is None else _converse(session, session.pty_fd)


def _wait(session: ExecSession) -> int:
    """Wait for the program, to which the signals we get are passed on."""
    with terminal.forwarding(session.signal):
        return session.wait()


def _converse(session: ExecSession, pty: int) -> int:
    entry = os.dup(pty)
    try:
        return terminal.converse(pty, entry, session.resize, session.wait)
    finally:
        os.close(entry)
        os.close(pty)
