"""One reader for each instruction: from its words to its dataclass.

Source: Dockerfile reference; BuildKit, frontend/dockerfile/instructions/parse.go.
"""

import re
from collections.abc import Callable, Mapping

from runtime.build.dockerfile import instructions as ast
from runtime.build.dockerfile.durations import parse_duration_ns
from runtime.build.dockerfile.flags import Flags, Kind, nearest, read_flags
from runtime.build.dockerfile.lines import LogicalLine, parse_heredoc
from runtime.build.dockerfile.mounts import check_mount_sources
from runtime.build.dockerfile.words import (
    Command,
    WordError,
    json_strings,
    named_values,
    split_blanks,
    split_command,
    split_words,
)
from schemas.dataclass import dataclass

_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")
_ONBUILD = re.compile(r"\s*ONBUILD\s*", re.IGNORECASE)
_MIN_INTERVAL_NS = 1_000_000
_COPY_FLAGS = {"chown": Kind.TEXT, "chmod": Kind.TEXT, "link": Kind.SWITCH, "exclude": Kind.TEXTS}


@dataclass(frozen=True, slots=True)
class Statement:
    """An instruction's words, not yet understood."""

    command: Command
    line: LogicalLine
    location: ast.Location
    escape: str

    @property
    def rest(self) -> str:
        """What follows the flags."""
        return self.command.rest

    @property
    def origin(self) -> tuple[ast.Location, str, tuple[str, ...]]:
        """The first fields of every instruction."""
        return self.location, self.line.text.strip(), self.line.comments

    def flags(self, known: Mapping[str, Kind] | None = None) -> Flags:
        """Return its flags. Raises WordError for one that is not known."""
        return read_flags(self.command.flags, known or {})

    def one(self) -> str:
        """Return its only argument. Raises WordError."""
        if not self.rest:
            raise WordError(f"{self.command.name.upper()} requires exactly one argument")
        return self.rest

    def command_line(self) -> ast.CommandLine:
        """Return its shell or exec form. Raises WordError."""
        words = json_strings(self.rest)
        if words is not None:
            return ast.CommandLine(words, shell_form=False)
        return ast.CommandLine((self.rest,) if self.rest else (), shell_form=True, heredocs=self.line.heredocs)

    def word_list(self) -> list[str]:
        """Return its arguments, from JSON or split at blanks. Raises WordError."""
        words = json_strings(self.rest)
        return split_blanks(self.rest) if words is None else list(words)


def read_statement(line: LogicalLine, location: ast.Location, escape: str) -> ast.Instruction:
    """Return the instruction of a logical line. Raises WordError."""
    command = split_command(line.text, escape)
    reader = READERS.get(command.name.upper())
    if reader is None:
        raise WordError(f"unknown instruction: `{command.name}`", nearest(command.name, READERS))
    return reader(Statement(command, line, location, escape))


def takes_heredocs(text: str, escape: str) -> bool:
    """Whether `<<` in an instruction's text announces a here-document."""
    command = split_command(text, escape)
    if command.name.upper() == "ONBUILD":
        command = split_command(command.rest, escape)
    if command.name.upper() not in ("ADD", "COPY", "RUN"):
        return False
    try:
        return json_strings(command.rest) is None
    except WordError:
        return False


def _from(it: Statement) -> ast.From:
    words = split_blanks(it.rest)
    alias = ""
    if len(words) == 3 and words[1].lower() == "as":
        alias = words[2].lower()
        if not _STAGE_NAME.fullmatch(alias):
            raise WordError(
                f"invalid name for build stage: `{words[2]}`, name can't start with a number or contain symbols"
            )
    elif len(words) != 1:
        raise WordError("FROM requires either one or three arguments", "`FROM image`, or `FROM image AS name`")
    return ast.From(*it.origin, words[0], alias, it.flags({"platform": Kind.TEXT}).text("platform"))


def _arg(it: Statement) -> ast.Arg:
    words = split_words(it.rest, it.escape)
    if not words:
        raise WordError("ARG requires at least one argument")
    pairs = []
    for word in words:
        name, equals, value = word.partition("=")
        if not name:
            raise WordError("ARG names can not be blank")
        pairs.append(ast.Pair(name, value if equals else None))
    return ast.Arg(*it.origin, tuple(pairs))


def _pairs(it: Statement) -> tuple[ast.Pair, ...]:
    it.flags()
    values = named_values(it.command.name.upper(), it.rest, it.escape)
    return tuple(ast.Pair(value.name, value.value, value.spaced) for value in values)


def _env(it: Statement) -> ast.Env:
    return ast.Env(*it.origin, _pairs(it))


def _label(it: Statement) -> ast.Label:
    return ast.Label(*it.origin, _pairs(it))


def _run(it: Statement) -> ast.Run:
    flags = it.flags({"mount": Kind.TEXTS, "network": Kind.TEXT, "security": Kind.TEXT, "device": Kind.TEXTS})
    network, security = flags.text("network", "default"), flags.text("security", "sandbox")
    if network not in ("default", "none", "host"):
        raise WordError(f"invalid network mode `{network}`", "`default`, `none` or `host`")
    if security not in ("sandbox", "insecure"):
        raise WordError(f"security `{security}` is not valid", "`sandbox` or `insecure`")
    mounts = flags.texts("mount")
    check_mount_sources(mounts)
    return ast.Run(*it.origin, it.command_line(), mounts, network, security, flags.texts("device"))


def _sources(it: Statement) -> tuple[tuple[str, ...], str, tuple[ast.Heredoc, ...]]:
    """Sources, destination, and sources that are here-documents, of COPY and ADD."""
    name = it.command.name.upper()
    words = it.word_list()
    if len(words) < 2:
        raise WordError(
            f"{name} requires at least two arguments, but only one was provided, destination could not be determined"
            if words
            else f"{name} requires at least two arguments"
        )
    *sources, destination = words
    if parse_heredoc(destination) is not None:
        raise WordError(f"{name} cannot accept a heredoc as a destination")
    by_name = {heredoc.name: heredoc for heredoc in it.line.heredocs}
    announced = {word: heredoc for word in sources if (heredoc := parse_heredoc(word)) is not None}
    files = tuple(by_name.get(heredoc.name, heredoc) for heredoc in announced.values())
    return tuple(word for word in sources if word not in announced), destination, files


def _copy(it: Statement) -> ast.Copy:
    flags = it.flags({**_COPY_FLAGS, "from": Kind.TEXT, "parents": Kind.SWITCH})
    return ast.Copy(
        *it.origin,
        *_sources(it),
        source_from=flags.text("from"),
        chown=flags.text("chown"),
        chmod=flags.text("chmod"),
        link=bool(flags.switch("link")),
        parents=bool(flags.switch("parents")),
        exclude=flags.texts("exclude"),
    )


def _add(it: Statement) -> ast.Add:
    known = {"keep-git-dir": Kind.SWITCH, "checksum": Kind.TEXT, "unpack": Kind.SWITCH}
    flags = it.flags({**_COPY_FLAGS, **known})
    return ast.Add(
        *it.origin,
        *_sources(it),
        chown=flags.text("chown"),
        chmod=flags.text("chmod"),
        link=bool(flags.switch("link")),
        exclude=flags.texts("exclude"),
        checksum=flags.text("checksum"),
        keep_git_dir=flags.switch("keep-git-dir"),
        unpack=flags.switch("unpack"),
    )


def _expose(it: Statement) -> ast.Expose:
    it.flags()
    ports = split_blanks(it.rest)
    if not ports:
        raise WordError("EXPOSE requires at least one argument")
    return ast.Expose(*it.origin, tuple(sorted(ports)))


def _workdir(it: Statement) -> ast.Workdir:
    it.flags()
    return ast.Workdir(*it.origin, it.one())


def _user(it: Statement) -> ast.User:
    it.flags()
    return ast.User(*it.origin, it.one())


def _cmd(it: Statement) -> ast.Cmd:
    it.flags()
    return ast.Cmd(*it.origin, it.command_line())


def _entrypoint(it: Statement) -> ast.Entrypoint:
    it.flags()
    return ast.Entrypoint(*it.origin, it.command_line())


def _shell(it: Statement) -> ast.Shell:
    it.flags()
    words = json_strings(it.rest)
    if words is None and it.rest:
        raise WordError("SHELL requires the arguments to be in JSON form", 'such as `SHELL ["/bin/bash", "-c"]`')
    if not words:
        raise WordError("SHELL requires at least one argument")
    return ast.Shell(*it.origin, words)


def _healthcheck(it: Statement) -> ast.Healthcheck:
    kind, *after = it.rest.split(maxsplit=1)[:2] or [""]
    rest = after[0] if after else ""
    if not kind:
        raise WordError("HEALTHCHECK requires at least one argument")
    if kind.upper() == "NONE":
        if rest:
            raise WordError("HEALTHCHECK NONE takes no arguments")
        return ast.Healthcheck(*it.origin, ("NONE",))
    times = ("interval", "timeout", "start-period", "start-interval")
    flags = it.flags({**dict.fromkeys(times, Kind.TEXT), "retries": Kind.TEXT})
    if kind.upper() != "CMD":
        raise WordError(f"unknown type `{kind}` in HEALTHCHECK (try CMD)", "`HEALTHCHECK CMD …`, or `HEALTHCHECK NONE`")
    words = json_strings(rest)
    if not words and not (rest and words is None):
        raise WordError("missing command after HEALTHCHECK CMD")
    test = ("CMD-SHELL", rest) if words is None else ("CMD", *words)
    interval, timeout, start_period, start_interval = (_interval(flags, name) for name in times)
    retries = _retries(flags)
    return ast.Healthcheck(*it.origin, test, interval, timeout, start_period, start_interval, retries)


def _interval(flags: Flags, name: str) -> int:
    text = flags.text(name)
    try:
        duration = parse_duration_ns(text) if text else 0
    except ValueError as error:
        raise WordError(f"--{name}: {error}", "such as `30s`, `1m30s`") from None
    if duration and duration < _MIN_INTERVAL_NS:
        raise WordError(f"interval `{name}` cannot be less than 1ms")
    return duration


def _retries(flags: Flags) -> int:
    text = flags.text("retries")
    if not text:
        return 0
    if not re.fullmatch(r"[+-]?[0-9]{1,10}", text) or int(text) >= 2**31:
        raise WordError(f"--retries: `{text}` is not a number")
    if int(text) < 0:
        raise WordError(f"--retries cannot be negative ({text})")
    return int(text)


def _stopsignal(it: Statement) -> ast.Stopsignal:
    return ast.Stopsignal(*it.origin, it.one())


def _volume(it: Statement) -> ast.Volume:
    it.flags()
    words = it.word_list()
    if not words:
        raise WordError("VOLUME requires at least one argument")
    paths = tuple(word.strip() for word in words)
    if "" in paths:
        raise WordError("VOLUME specified can not be an empty string")
    return ast.Volume(*it.origin, paths)


def _onbuild(it: Statement) -> ast.Onbuild:
    it.flags()
    if not it.rest:
        raise WordError("ONBUILD requires at least one argument")
    name = split_command(it.rest, it.escape).name.upper()
    if name == "ONBUILD":
        raise WordError("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if name in ("MAINTAINER", "FROM"):
        raise WordError(f"{name} isn't allowed as an ONBUILD trigger")
    trigger = _ONBUILD.sub("", it.line.text, count=1)
    trigger += "".join(f"\n{heredoc.content}{heredoc.name}" for heredoc in it.line.heredocs)
    return ast.Onbuild(*it.origin, trigger)


def _maintainer(it: Statement) -> ast.Maintainer:
    it.flags()
    return ast.Maintainer(*it.origin, it.one())


READERS: dict[str, Callable[[Statement], ast.Instruction]] = {
    "ADD": _add,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "MAINTAINER": _maintainer,
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": _stopsignal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
