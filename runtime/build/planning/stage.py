"""One stage's instructions as steps, each with the configuration it leaves behind.

Source: BuildKit, frontend/dockerfile/dockerfile2llb/convert.go.
"""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from runtime.build.dockerfile import instructions as ast
from runtime.build.dockerfile.expansion import ExpansionError
from runtime.build.dockerfile.ignore import clean
from runtime.build.dockerfile.lint import Lint
from runtime.build.dockerfile.mounts import read_mount
from runtime.build.dockerfile.ports import parse_ports, split_mapping
from runtime.build.dockerfile.words import WordError
from runtime.build.plan import ConfigStep, ContextSource, CopyStep, History, InlineFile, RunStep, Step, WorkdirStep
from runtime.build.planning import copying, running, wording
from runtime.build.planning.devices import read_device
from runtime.build.planning.outline import Outline
from runtime.build.planning.scope import Expander, Scope, argument_value, proxy_variables
from runtime.errors import InvalidArgument, SourceError
from runtime.signals import signal_number
from schemas.dataclass import dataclass
from schemas.engine.records import ImageConfig

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SECRET_NAME = re.compile(
    r"(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)", re.IGNORECASE
)
_NO_SECRET = re.compile(r"(?:_|^)(?:public|file|version)(?:_|$)", re.IGNORECASE)


@dataclass(slots=True)
class StageState:
    """What grows from instruction to instruction."""

    config: ImageConfig
    scope: Scope
    author: str = ""
    has_workdir: bool = False
    """A WORKDIR of this Dockerfile came before."""

    def begin(self) -> "StageState":
        """Return the state a stage begins with that stands on this one: triggers are spent, ENV counts again."""
        config = replace(self.config, on_build=())
        names = [entry.partition("=")[0] for entry in config.environment]
        if "PATH" not in names:
            config = replace(config, environment=(*config.environment, f"PATH={DEFAULT_PATH}"))
        scope = self.scope.copy()
        scope.variables.update(_variables(config))
        return StageState(config, scope, self.author, self.has_workdir)


class StagePlanner:
    """Turns the instructions of one stage into steps."""

    def __init__(self, sketch: Outline, index: int, state: StageState, lint: Lint) -> None:
        self._sketch = sketch
        self._index = index
        self._lint = lint
        self._last: dict[type[ast.Instruction], ast.Instruction] = {}
        self.state = state
        self.steps: list[Step] = []
        self.errors: list[SourceError] = []

    def take(self, instruction: ast.Instruction) -> None:
        """Add the step of an instruction; what is wrong with it is kept in `errors`."""
        try:
            step = _PLANNERS[type(instruction)](self, instruction)
        except SourceError as error:
            self.errors.append(error)
        except (WordError, ExpansionError, InvalidArgument, ValueError) as error:
            hint = getattr(error, "hint", "")
            self.errors.append(self._sketch.error(str(error), instruction.location, hint))
        else:
            self.steps.append(step)

    def _expander(self, instruction: ast.Instruction) -> Expander:
        return Expander(instruction, self.state.scope, self._sketch.dockerfile.escape, self._lint)

    def _title(self, it: ast.Instruction, hidden: Mapping[str, str] = MappingProxyType({})) -> str:
        variables = {**self.state.scope.variables, **hidden}
        escape = self._sketch.dockerfile.escape
        return wording.title(it.text, variables, escape=escape, is_run=isinstance(it, ast.Run))

    def _configured(self, it: ast.Instruction, history: str, **changes: Any) -> ConfigStep:
        """The step of an instruction that changes these fields of the configuration."""
        self.state.config = replace(self.state.config, **changes)
        line = History(history, empty_layer=True) if history else None
        return ConfigStep(it.location, it.text, line, self.state.config)

    def _report(self, rule: str, it: ast.Instruction, *values: str) -> None:
        self._lint.report(rule, it.location, *values, comments=it.comments)

    def _check_once(self, it: ast.Instruction) -> None:
        earlier = self._last.get(type(it))
        if earlier is not None:
            self._report("MultipleInstructionsDisallowed", replace(it, location=earlier.location), it.name)
        self._last[type(it)] = it

    def _check_secret(self, it: ast.Instruction, name: str) -> None:
        if _SECRET_NAME.search(name) and not _NO_SECRET.search(name):
            self._report("SecretsUsedInArgOrEnv", it, it.name, name)

    def _pairs(self, it: ast.Env | ast.Label) -> list[tuple[str, str]]:
        expander = self._expander(it)
        found = []
        for pair in it.pairs:
            if pair.spaced:
                self._report("LegacyKeyValueFormat", it, it.name)
            found.append((expander(pair.name), expander(pair.value or "")))
        return found

    def env(self, it: ast.Env) -> Step:
        """`ENV`: for the steps that follow and for the image."""
        pairs = self._pairs(it)
        environment = list(self.state.config.environment)
        for name, value in pairs:
            self._check_secret(it, name)
            # What is no variable yet is not in the environment, which need not be searched then.
            is_known = name in self.state.scope.variables
            self.state.scope.variables[name] = value
            before = (index for index, entry in enumerate(environment) if entry.partition("=")[0] == name)
            place = next(before, None) if is_known else None
            if place is None:
                environment.append(f"{name}={value}")
            else:
                environment[place] = f"{name}={value}"
        return self._configured(it, _with_pairs("ENV", pairs), environment=tuple(environment))

    def label(self, it: ast.Label) -> Step:
        """`LABEL`."""
        pairs = self._pairs(it)
        return self._configured(it, _with_pairs("LABEL", pairs), labels={**self.state.config.labels, **dict(pairs)})

    def arg(self, it: ast.Arg) -> Step:
        """`ARG`: for the steps that follow."""
        words = []
        for pair in it.pairs:
            self._check_secret(it, pair.name)
            value = argument_value(pair, self._sketch.options, self._sketch.global_args, self._expander(it))
            self.state.scope.declare(pair.name, value)
            words.append(pair.name if value is None else f"{pair.name}={value}")
        return self._configured(it, f"ARG {' '.join(words)}")

    def maintainer(self, it: ast.Maintainer) -> Step:
        """`MAINTAINER`: the image's author."""
        self.state.author = it.maintainer
        return self._configured(it, f"MAINTAINER {it.maintainer}")

    def user(self, it: ast.User) -> Step:
        """`USER`."""
        user = self._expander(it)(it.user)
        return self._configured(it, f"USER {user}", user=user)

    def volume(self, it: ast.Volume) -> Step:
        """`VOLUME`."""
        expander = self._expander(it)
        paths = [expander(path) for path in it.paths]
        if "" in paths:
            raise WordError("VOLUME specified can not be an empty string")
        volumes = tuple(dict.fromkeys((*self.state.config.volumes, *paths)))
        return self._configured(it, f"VOLUME {wording.plain_list(paths)}", volumes=volumes)

    def expose(self, it: ast.Expose) -> Step:
        """`EXPOSE`."""
        expander = self._expander(it)
        ports: list[str] = []
        for text in (word for port in it.ports for word in expander.words(port)):
            ports += parse_ports(text)
            address, host, port = split_mapping(text)
            protocol = port.partition("/")[2]
            if protocol != protocol.lower():
                self._report("ExposeProtoCasing", it, text)
            if address or host:
                self._report("ExposeInvalidFormat", it, text)
        exposed = tuple(dict.fromkeys((*self.state.config.exposed_ports, *ports)))
        return self._configured(it, f"EXPOSE {wording.plain_list(ports)}", exposed_ports=exposed)

    def stopsignal(self, it: ast.Stopsignal) -> Step:
        """`STOPSIGNAL`."""
        name = self._expander(it)(it.signal)
        signal_number(name)
        return self._configured(it, f"STOPSIGNAL {name}", stop_signal=name)

    def shell(self, it: ast.Shell) -> Step:
        """`SHELL`."""
        return self._configured(it, f"SHELL {wording.plain_list(it.shell)}", shell=it.shell)

    def cmd(self, it: ast.Cmd) -> Step:
        """`CMD`."""
        self._check_once(it)
        arguments = self._arguments(it, it.command)
        return self._configured(it, f"CMD {wording.quoted_list(arguments)}", command=arguments)

    def entrypoint(self, it: ast.Entrypoint) -> Step:
        """`ENTRYPOINT`: it takes away the base image's CMD, but not one of this stage."""
        self._check_once(it)
        arguments = self._arguments(it, it.command)
        command = self.state.config.command if ast.Cmd in self._last else ()
        history = f"ENTRYPOINT {wording.quoted_list(arguments)}"
        return self._configured(it, history, entrypoint=arguments, command=command)

    def _arguments(self, it: ast.Instruction, command: ast.CommandLine) -> tuple[str, ...]:
        if command.shell_form and not self.state.config.shell:
            self._report("JSONArgsRecommended", it, it.name)
        return running.with_shell(self.state.config, command)

    def healthcheck(self, it: ast.Healthcheck) -> Step:
        """`HEALTHCHECK`, kept as Docker keeps it: times in nanoseconds, nothing for a default."""
        self._check_once(it)
        check: dict[str, object] = {
            "Test": list(it.test),
            "Interval": it.interval_ns,
            "Timeout": it.timeout_ns,
            "StartPeriod": it.start_period_ns,
            "StartInterval": it.start_interval_ns,
            "Retries": it.retries,
        }
        kept = {name: value for name, value in check.items() if value}
        return self._configured(it, f"HEALTHCHECK {wording.health(it)}", healthcheck=kept)

    def onbuild(self, it: ast.Onbuild) -> Step:
        """`ONBUILD`: kept for whoever builds on the image."""
        return self._configured(it, "", on_build=(*self.state.config.on_build, it.trigger))

    def workdir(self, it: ast.Workdir) -> Step:
        """`WORKDIR`: a folder that is made, and where the following steps work."""
        path = self._expander(it)(it.path)
        if not self.state.has_workdir and not path.startswith("/"):
            self._report("WorkdirRelativePath", it, path)
        self.state.has_workdir = True
        title = self._title(it)
        # An absolute path is kept as it is written, as BuildKit does, and stays where an empty one follows (a variable
        # that is not set); only a relative one is joined and cleaned.
        before = self.state.config.working_dir or "/"
        folder = path if path.startswith("/") else clean(posixpath.join("/", before, path)) if path else before
        self.state.config = replace(self.state.config, working_dir=folder)
        history = History(f"WORKDIR {folder}", empty_layer=folder == "/")
        if folder == "/":
            return ConfigStep(it.location, title, history, self.state.config)
        return WorkdirStep(it.location, title, history, self.state.config, clean(folder), self.state.config.user)

    def run(self, it: ast.Run) -> Step:
        """`RUN`."""
        config, scope = self.state.config, self.state.scope
        expander = self._expander(it)
        options = [read_mount(text, expander) for text in it.mounts]
        mounts = tuple(running.resolve_mount(option, config.working_dir, self._mount_source(it)) for option in options)
        command = running.run_command(config, it.command)
        hidden = {option.variable or option.id: "****" for option in options if option.variable is not None}
        title = self._title(it, hidden)
        if command.document:
            title += f" ({wording.summary(command.document)})"
        return RunStep(
            location=it.location,
            text=title,
            history=History(wording.run(command.arguments, scope.build_args()), empty_layer=False),
            config=config,
            arguments=command.arguments,
            environment=tuple(f"{name}={value}" for name, value in scope.variables.items()),
            unkeyed_environment=proxy_variables(self._sketch.options.build_args, scope),
            working_dir=config.working_dir or "/",
            user=config.user,
            mounts=mounts,
            files=command.files,
            network=self._sketch.options.network if it.network == "default" else it.network,
            security=it.security,
            devices=tuple(read_device(text) for text in it.devices),
        )

    def _mount_source(self, it: ast.Run) -> Callable[[str], Any]:
        return lambda name: self._sketch.source(name, self._index, it.location, by_index=False)

    def copy(self, it: ast.Copy) -> Step:
        """`COPY`."""
        step = self._copied(it)
        copying.check_local(step.sources)
        if it.source_from:
            return replace(step, source=self._sketch.source(it.source_from, self._index, it.location, by_index=True))
        self._report_ignored(it, step)
        return step

    def add(self, it: ast.Add) -> Step:
        """`ADD`."""
        step = self._copied(it)
        checksum = self._expander(it)(it.checksum)
        copying.check_checksum(checksum, step.sources)
        self._report_ignored(it, step)
        return replace(step, add=True, checksum=checksum, keep_git_dir=bool(it.keep_git_dir), unpack=it.unpack)

    def _report_ignored(self, it: ast.Copy | ast.Add, step: CopyStep) -> None:
        rules = self._sketch.options.ignore
        if rules is not None:
            copying.report_ignored(it, step.sources, rules, self._lint)

    def _copied(self, it: ast.Copy | ast.Add) -> CopyStep:
        expander = self._expander(it)
        owner, mode = expander(it.chown), expander(it.chmod)
        copying.check_mode(mode)
        written = [expander(source) for source in it.sources]
        destination = expander(it.destination)
        files = tuple(
            InlineFile(
                copying.inline_name(heredoc.name),
                expander.content(heredoc.body) if heredoc.expand else heredoc.body,
            )
            for heredoc in it.files
        )
        parents = isinstance(it, ast.Copy) and it.parents
        flags = ["--parents"] * parents + [f"--chown={owner}"] * bool(owner) + [f"--chmod={mode}"] * bool(mode)
        words = [it.name, *flags, *written, *(f"<<{heredoc.name}" for heredoc in it.files), destination]
        return CopyStep(
            location=it.location,
            text=self._title(it),
            history=History(f"{' '.join(words)} # buildkit", empty_layer=False),
            config=self.state.config,
            add=False,
            source=ContextSource(),
            sources=tuple(copying.normal_source(source, parents=parents) for source in written),
            files=files,
            destination=copying.normal_destination(destination, self.state.config.working_dir),
            owner=owner,
            mode=mode,
            link=it.link,
            parents=parents,
            exclude=it.exclude,
        )


def _variables(config: ImageConfig) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in config.environment)
    return {name: value for name, _, value in pairs}


def _with_pairs(name: str, pairs: list[tuple[str, str]]) -> str:
    return " ".join([name, *(f"{key}={value}" for key, value in pairs)])


_PLANNERS: dict[type[ast.Instruction], Callable[[StagePlanner, Any], Step]] = {
    ast.Add: StagePlanner.add,
    ast.Arg: StagePlanner.arg,
    ast.Cmd: StagePlanner.cmd,
    ast.Copy: StagePlanner.copy,
    ast.Entrypoint: StagePlanner.entrypoint,
    ast.Env: StagePlanner.env,
    ast.Expose: StagePlanner.expose,
    ast.Healthcheck: StagePlanner.healthcheck,
    ast.Label: StagePlanner.label,
    ast.Maintainer: StagePlanner.maintainer,
    ast.Onbuild: StagePlanner.onbuild,
    ast.Run: StagePlanner.run,
    ast.Shell: StagePlanner.shell,
    ast.Stopsignal: StagePlanner.stopsignal,
    ast.User: StagePlanner.user,
    ast.Volume: StagePlanner.volume,
    ast.Workdir: StagePlanner.workdir,
}
