"""The grammar of a command line: declared as argparse declares it, read as pflag reads it.

docker compose is written with pflag, whose rules argparse's own reading lacks: flags may come
between positionals, a switch takes `=true` and `=false`, nothing may be abbreviated, and after
the first positional of `exec` and `run` everything belongs to the container's program.
"""

import argparse
from collections.abc import Sequence

from compose.cli.help import WIDTH, help_page, option_rows
from compose.errors import EXIT_FAILURE, EXIT_USAGE, ProjectError

_TRUTH = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class UsageError(ProjectError):
    """A command line that does not follow the command's grammar."""

    code = "usage"
    exit_code = EXIT_USAGE


class HelpRequested(Exception):
    """`--help` was among the arguments; `text` is what to print."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Parser(argparse.ArgumentParser):
    """The flags and positionals of one command.

    With `interspersed` false, the first positional ends the flags.
    """

    def __init__(self, command: str, *, usage: str, summary: str, interspersed: bool = True) -> None:
        super().__init__(prog=command, usage=usage, description=summary, add_help=False, allow_abbrev=False)
        self.interspersed = interspersed
        self.add_argument("-h", "--help", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)

    def read(self, arguments: Sequence[str], namespace: argparse.Namespace) -> argparse.Namespace:
        """Set every flag and positional on `namespace` and return it.

        Raises UsageError, and HelpRequested as soon as `--help` is met.
        """
        for action in self._actions:
            if action.dest is not argparse.SUPPRESS and action.default is not argparse.SUPPRESS:
                setattr(namespace, action.dest, action.default)
        remaining = list(reversed(arguments))
        positionals: list[str] = []
        while remaining:
            argument = remaining.pop()
            if argument == "--":
                positionals.extend(reversed(remaining))
                break
            if argument.startswith("--"):
                self._read_long(argument, remaining, namespace)
            elif argument.startswith("-") and argument != "-":
                self._read_short(argument, remaining, namespace)
            else:
                positionals.append(argument)
                if not self.interspersed:
                    positionals.extend(reversed(remaining))
                    break
        self._assign(positionals, namespace)
        return namespace

    def format_help(self) -> str:
        """Return docker compose's layout: usage, summary, options."""
        rows = option_rows(action for action in self._actions if action.option_strings)
        return help_page(
            usage=self.usage or self.prog, summary=self.description or "", options=rows, closing=self.epilog or ""
        )

    def _get_formatter(self) -> argparse.HelpFormatter:
        # Asked for at each add_argument; without a width it imports shutil to look at the terminal, 3 ms of a `ps`.
        return argparse.HelpFormatter(self.prog, width=WIDTH)

    def _refusal(self, message: str) -> UsageError:
        return UsageError(message, hint=f"`{self.prog} --help` lists the options")

    def _read_long(self, argument: str, remaining: list[str], namespace: argparse.Namespace) -> None:
        name, equals, value = argument.partition("=")
        action = self._option_string_actions.get(name)
        if action is None:
            raise self._refusal(f"unknown flag: {name}")
        if action.nargs == 0:
            self._switch(action, name, value if equals else None, namespace)
        elif equals:
            self._store(action, value, namespace)
        elif not remaining:
            raise self._refusal(f"flag needs an argument: {name}")
        else:
            self._store(action, remaining.pop(), namespace)

    def _read_short(self, argument: str, remaining: list[str], namespace: argparse.Namespace) -> None:
        letters = argument[1:]
        while letters:
            name, letters = f"-{letters[0]}", letters[1:]
            action = self._option_string_actions.get(name)
            if action is None:
                raise self._refusal(f"unknown shorthand flag: '{name[1]}' in {argument}")
            if action.nargs == 0:
                explicit = letters[1:] if letters.startswith("=") else None
                self._switch(action, name, explicit, namespace)
                if explicit is not None:
                    return
            else:
                if not letters and not remaining:
                    raise self._refusal(f"flag needs an argument: '{name[1]}' in {argument}")
                self._store(action, letters.removeprefix("=") if letters else remaining.pop(), namespace)
                return

    def _switch(self, action: argparse.Action, name: str, value: str | None, namespace: argparse.Namespace) -> None:
        if action.dest == "help":
            raise HelpRequested(self.format_help())
        if value is None:
            action(self, namespace, [], name)
            return
        truth = _TRUTH.get(value.lower())
        if truth is None:
            raise self._refusal(f'invalid argument "{value}" for "{name}" flag: it is true or false')
        setattr(namespace, action.dest, bool(action.const) is truth)

    def _store(self, action: argparse.Action, text: str, namespace: argparse.Namespace) -> None:
        flag = ", ".join(action.option_strings) or action.metavar or action.dest
        try:
            value = action.type(text) if callable(action.type) else text
        except (ValueError, argparse.ArgumentTypeError) as error:
            reason = "it is a whole number" if action.type is int else str(error)
            raise self._refusal(f'invalid argument "{text}" for "{flag}" flag: {reason}') from error
        if action.choices is not None and value not in action.choices:
            choices = ", ".join(f"`{choice}`" for choice in action.choices)
            raise self._refusal(f'invalid argument "{text}" for "{flag}" flag: it is one of {choices}')
        name = action.option_strings[0] if action.option_strings else None
        action(self, namespace, value, name)  # type: ignore[arg-type]  # typeshed knows no values but strings

    def _assign(self, values: list[str], namespace: argparse.Namespace) -> None:
        actions = [action for action in self._actions if not action.option_strings]
        needed = sum(action.nargs in (None, "+") for action in actions)
        if len(values) < needed:
            raise UsageError(
                f"requires at least {needed} arg(s), only received {len(values)}",
                hint=f"usage: {self.usage}",
                exit_code=EXIT_FAILURE,
            )
        rest = list(values)
        for action in actions:
            if action.nargs is None:
                self._store(action, rest.pop(0), namespace)
            elif action.nargs == "?":
                if rest:
                    self._store(action, rest.pop(0), namespace)
            else:
                setattr(namespace, action.dest, rest)
                rest = []
        if rest:
            raise UsageError(f"unexpected argument `{rest[0]}`", hint=f"usage: {self.usage}", exit_code=EXIT_FAILURE)
