"""Help text in docker compose's layout."""

import argparse
from collections.abc import Iterable, Sequence

WIDTH = 80
_GAP = 3


def help_page(
    *,
    usage: str,
    summary: str,
    options: Sequence[tuple[str, str]] = (),
    commands: Sequence[tuple[str, str]] = (),
    closing: str = "",
) -> str:
    """Return one page. `options` and `commands` are rows of two columns."""
    parts = [f"Usage:  {usage}\n", f"{summary}\n"]
    if options:
        parts.append("Options:\n" + _columns(options))
    if commands:
        parts.append("Commands:\n" + _columns(commands))
    if closing:
        parts.append(f"{closing}\n")
    return "\n".join(parts)


def option_rows(actions: Iterable[argparse.Action]) -> list[tuple[str, str]]:
    """Return (`-d, --detach`, help) for each option that is not hidden, sorted by its long name."""
    shown = [action for action in actions if action.help is not argparse.SUPPRESS]
    shown.sort(key=_long_name)
    return [(_option(action), _explanation(action)) for action in shown]


def _long_name(action: argparse.Action) -> str:
    return max(action.option_strings, key=len)


def _option(action: argparse.Action) -> str:
    short = [name for name in action.option_strings if not name.startswith("--")]
    long = [name for name in action.option_strings if name.startswith("--")]
    text = ", ".join([*short, *long]) if short else f"    {', '.join(long)}"
    return text if action.nargs == 0 else f"{text} {_value_name(action)}"


def _value_name(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    return "int" if action.type is int else "string"


def _explanation(action: argparse.Action) -> str:
    text = action.help or ""
    if action.choices:
        text += f" ({'|'.join(str(choice) for choice in action.choices)})"
    shown = action.default if action.nargs != 0 else None
    return f'{text} (default "{shown}")' if isinstance(shown, str) and shown else text


def _columns(rows: Sequence[tuple[str, str]]) -> str:
    left = max(len(name) for name, _ in rows) + _GAP
    lines: list[str] = []
    for name, explanation in rows:
        wrapped = _wrap(explanation, WIDTH - left - 2)
        lines.append(f"  {name:<{left}}{wrapped[0]}".rstrip())
        lines.extend(f"  {'':<{left}}{line}" for line in wrapped[1:])
    return "\n".join(lines) + "\n"


def _wrap(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > max(width, 24):
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines
