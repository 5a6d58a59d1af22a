"""`login`: credentials for a registry, kept where Docker's tools keep them."""

import argparse
import getpass
import sys

from compose.cli import registry
from compose.cli.context import Context
from compose.errors import ProjectError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("-p", "--password", default=None, help="Password")
    parser.add_argument("--password-stdin", action="store_true", help="Take the password from stdin")
    parser.add_argument("-u", "--username", default="", help="Username")
    parser.add_argument("server", nargs="?", default="", metavar="SERVER")


def run(context: Context) -> int:
    """Ask for what is not given, try the credentials and keep them."""
    options = context.options
    login = registry.load(registry.LOGIN)
    if options.password_stdin and options.password is not None:
        raise ProjectError("--password and --password-stdin are mutually exclusive")
    if options.password_stdin and not options.username:
        raise ProjectError("Must provide --username with --password-stdin")
    if options.password is not None:
        context.note("WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
    if not options.username and options.password is None:
        known = login.known_credentials(options.server)
        if known is not None:
            context.note("Authenticating with existing credentials...")
            login.check(login.domain_of(options.server), known)
            context.out("Login Succeeded")
            return 0
    username, password = _asked(options)
    kept = login.log_in(options.server, username, password)
    if kept.path:
        context.note(
            f"WARNING! Your password will be stored unencrypted in {kept.path}.\n"
            "Configure a credential helper to remove this warning: `credsStore` in that file names it."
        )
    context.out("Login Succeeded")
    return 0


def _asked(options: argparse.Namespace) -> tuple[str, str]:
    if options.password_stdin:
        return options.username, sys.stdin.read().rstrip("\r\n")
    if options.password is not None and options.username:
        return options.username, options.password
    if not sys.stdin.isatty():
        raise ProjectError(
            "Cannot perform an interactive login from a non TTY device", hint="use --username and --password-stdin"
        )
    try:
        username = options.username or _line("Username: ")
        password = options.password if options.password is not None else getpass.getpass("Password: ")
    except EOFError:
        raise ProjectError("nothing was typed") from None
    if not username or not password:
        raise ProjectError(f"{'password' if username else 'username'} required")
    return username, password


def _line(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()
