"""Every command: its help, its flags, its refusals. No container is touched."""

import argparse
import json
import shlex
from pathlib import Path

import pytest

from compose.cli import main, registry
from compose.cli.arguments import run as run_arguments
from compose.cli.arguments import up as up_arguments
from compose.cli.options import global_parser, scales, settle_globals, settle_orphans
from compose.cli.parser import Parser, UsageError
from compose.errors import ProjectError
from compose.version import __version__

# Every flag of docker compose's commands (docker compose v2.26 to v5, `--help`), each in one use.
ACCEPTED = {
    "up": [
        "-d --wait --wait-timeout 60 --scale web=3 --scale db=2 --force-recreate --no-deps --remove-orphans -t 5",
        "--no-recreate --no-start -V --renew-anon-volumes --always-recreate-deps --pull missing --no-build",
        "--quiet-pull --build -y --yes web db --detach=false --menu=false --quiet-build",
        "--abort-on-container-exit --exit-code-from web --attach web --no-attach db --attach-dependencies",
        "--abort-on-container-failure --no-color --no-log-prefix --timestamps --timeout=3 -w",
        "web -d db --dry-run",
    ],
    "build": [
        "--build-arg A=1 --build-arg B --no-cache --pull --push -q -m 1g --ssh default --with-dependencies web db",
        "--builder x --check --print --sbom true --provenance=false --memory=64m --quiet --ssh a=/b",
        "--compress --force-rm --no-rm --parallel --progress plain --dry-run",
    ],
    "down": ["-v --remove-orphans -t 0 --rmi local", "--volumes --rmi=all --timeout 3", "web db --dry-run"],
    "ps": [
        "-a -q --format json --services --status running --status exited --filter status=running --no-trunc web",
        "--orphans=false --all --quiet web db",
    ],
    "logs": [
        "-f -n 10 --since 10m --until 1m -t --no-color --no-log-prefix --index 2 web",
        "--tail all -ft",
        "--tail=5",
    ],
    "exec": [
        "-d -T -e A=1 -e B --index 2 --privileged -u 1000:1000 -w /tmp web sh -c 'exit 3' -x",
        "-it web sh",
        "-dT --user root web true",
        "--no-TTY --no-tty -i=false web true",
    ],
    "run": [
        "--rm -d -e A=1 --no-deps -P --entrypoint 'sh -c' -u root -w /x -v a:/b -v ./c:/d --name n -T web echo -x",
        "-p 8080:80 --publish 81:81 -l a=b --label c --use-aliases -i=false --interactive=true -q web",
        "--cap-add NET_ADMIN --cap-drop ALL --env-from-file x.env --build --pull never --remove-orphans web",
        "-it --rm web",
    ],
    "publish": [
        "--app --oci-version 1.1 --resolve-image-digests --with-env -y me/shop:1",
        "--yes --oci-version=1.0 --dry-run me/shop",
    ],
    "pull": [
        "--ignore-buildable --ignore-pull-failures --include-deps --policy always -q web db",
        "--no-parallel --parallel --quiet --policy=missing --dry-run",
    ],
    "push": ["--ignore-push-failures --include-deps -q web db", "--quiet --dry-run"],
    "login": ["-u me -p word host:5000", "--username me --password-stdin", "--username=me --password=word x"],
    "logout": ["host:5000", ""],
    "commit": [
        "-a me -m why -c 'CMD [\"sh\"]' -c 'ENV A=b' -p --index 2 web shop/web:1",
        "--author me --message why --change 'USER 1' --pause=false web --dry-run",
    ],
    "export": ["-o out.tar --index 2 web", "--output=out.tar web --dry-run", "web"],
    "builder": ["prune", "prune -a -f --filter until=24h --keep-storage 2gb"],
    "system": ["df", "df -v --format json"],
    "stop": ["-t 3 web", "--timeout=-1"],
    "start": ["--wait --wait-timeout 5 web"],
    "restart": ["-t 3 --no-deps web"],
    "kill": ["-s HUP web", "--signal=SIGTERM --remove-orphans"],
    "rm": ["-fsv web", "--force --stop --volumes", "-a"],
    "pause": ["web"],
    "unpause": ["web db"],
    "wait": ["web db --down-project"],
    "create": [
        "--build --force-recreate --no-recreate --pull always --scale web=2 --remove-orphans -y --quiet-pull web"
    ],
    "scale": ["--no-deps web=3 db=2"],
    "ls": ["-a -q --format json --filter name=shop"],
    "images": ["-q --format json web"],
    "port": ["--index 2 --protocol udp web 53", "web 80"],
    "top": ["web"],
    "events": ["--json --since 1h --until 0s web"],
    "volumes": ["-q --format json web"],
    "version": ["--short", "-f json", "--format pretty"],
    "image": [
        "import -c 'CMD [\"sh\"]' root.tar name:tag",
        "load -i x.tar",
        "bootstrap --mirror http://m/debian --variant apt --include curl --package git -t x -q --pull debian:trixie",
        "ls -q",
        "rm -f x",
        "ls -a --digests --no-trunc -f dangling=true --filter label=a=b --format json shop",
        "history -q --no-trunc -H=false --format '{{.ID}}' x",
        "inspect -f '{{.Id}}' x y",
        "tag x y:1",
        "prune -a -f --filter until=24h",
        "save -o x.tar -z x y",
        "pull -q --platform linux/arm64 x",
    ],
}


def _parser(name: str) -> Parser:
    command = registry.COMMANDS[name]
    parser = Parser(name, usage=command.usage, summary=command.summary, interspersed=command.interspersed)
    parser.add_argument("--dry-run", action="store_true")
    registry.load(command.arguments).add_arguments(parser)
    return parser


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in ACCEPTED.items() for line in lines])
def test_flags_of_docker_compose_must_be_accepted(name: str, line: str) -> None:
    """A script written for docker compose is not stopped by an unknown flag."""
    assert _parser(name).read(shlex.split(line), argparse.Namespace())


def test_every_command_must_have_its_flags_tested() -> None:
    """A new command comes with its lines above; `config` is tested with the loader."""
    assert set(ACCEPTED) == set(registry.COMMANDS) - {"config"}


@pytest.mark.parametrize("name", sorted(set(registry.COMMANDS) - {"config"}))
def test_every_command_must_explain_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` wins over everything else and exits with 0."""
    assert main.run([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage:  pycompose {name} ")
    assert registry.COMMANDS[name].summary in shown


def test_the_overview_must_list_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command, with `help`, with `--help`."""
    for arguments in ([], ["--help"], ["help"], ["-h"]):
        assert main.run(arguments) == 0
        shown = capsys.readouterr().out
        assert all(f"\n  {name} " in shown for name in registry.COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nosuch"], 16, "unknown command `nosuch`"),
        (["bridge"], 1, "this version of pycompose has no `bridge`"),
        (["--nosuch"], 16, "unknown flag: --nosuch"),
        (["ps", "--nosuch"], 16, "unknown flag: --nosuch"),
        (["exec", "web"], 1, "requires at least 2 arg(s), only received 1"),
        (["run"], 1, "requires at least 1 arg(s), only received 0"),
        (["version", "now"], 1, "unexpected argument `now`"),
        (["--progress", "loud", "version"], 1, 'unsupported --progress value "loud"'),
        (["up", "-t", "soon"], 16, "it is a whole number"),
        (["-f", "nosuch.yaml", "ps"], 14, "nosuch.yaml: no such file or directory"),
        (["ps"], 14, "no configuration file provided: not found"),
        (["-p", "x", "logs", "--since", "yesterday"], 1, "neither a time nor a duration"),
        (["-p", "x", "ps", "--filter", "name=a"], 1, "unknown filter name"),
        (["-p", "x", "exec", "web", "true"], 1, 'service "web" is not running'),
        (["-p", "x", "logs", "web"], 1, "no such service: web"),
    ],
)
def test_a_refusal_must_have_docker_composes_exit_code(
    arguments: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Scripts look at the code; people at a message on standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYCOMPOSE_ROOT", str(tmp_path / "state"))
    monkeypatch.setenv("PYCOMPOSE_RUN", str(tmp_path / "run"))
    assert main.run(arguments) == code
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.out == ""


def test_errors_must_be_objects_with_json_progress(capsys: pytest.CaptureFixture[str]) -> None:
    """A program that reads standard error need not parse prose."""
    assert main.run(["--progress", "json", "nosuch"]) == 16
    told = json.loads(capsys.readouterr().err)
    assert (told["error"], told["severity"], told["message"]) == (True, "error", "unknown command `nosuch`")


def test_a_defect_must_leave_its_traceback_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The terminal gets one sentence and the file's name."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setitem(registry.COMMANDS, "ps", registry.Command("", "", "nosuchmodule", tier=1))
    assert main.run(["ps"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("unexpected error: ModuleNotFoundError")
    (report,) = tmp_path.glob("pycompose-*.txt")
    assert str(report) in shown
    assert "Traceback" in report.read_text()
    assert main.run(["--verbose", "ps"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_version_must_be_printable_in_three_ways(capsys: pytest.CaptureFixture[str]) -> None:
    """For people, scripts and programs."""
    for arguments in (["version", "--short"], ["version", "-f", "json"], ["-v"]):
        assert main.run(arguments) == 0
    assert capsys.readouterr().out == (
        f'{__version__}\n{{"version":"{__version__}"}}\npycompose version {__version__}\n'
    )


def _settled(*arguments: str, **environment: str) -> argparse.Namespace:
    options = global_parser().read(arguments, argparse.Namespace())
    settle_globals(options, environment)
    return options


def test_a_flag_must_beat_its_variable() -> None:
    """COMPOSE_ANSI, COMPOSE_PROGRESS, COMPOSE_PARALLEL_LIMIT, COMPOSE_COMPATIBILITY."""
    environment = {
        "COMPOSE_ANSI": "never",
        "COMPOSE_PROGRESS": "plain",
        "COMPOSE_PARALLEL_LIMIT": "4",
        "COMPOSE_COMPATIBILITY": "1",
    }
    options = _settled(**environment)
    assert (options.ansi, options.progress, options.parallel, options.compatibility) == ("never", "plain", 4, True)
    options = _settled("--ansi", "always", "--progress=quiet", "--parallel", "2", **environment)
    assert (options.ansi, options.progress, options.parallel) == ("always", "quiet", 2)
    options = _settled()
    assert (options.ansi, options.progress, options.parallel) == ("auto", "auto", -1)


def test_global_flags_must_be_repeatable() -> None:
    """Files, profiles and env files add up, in order."""
    options = _settled(
        "-f", "a.yaml", "--file=b.yaml", "--profile", "x", "--profile", "y", "--env-file", "e", "up", "-d"
    )
    assert (options.file, options.profile, options.env_file) == (["a.yaml", "b.yaml"], ["x", "y"], ["e"])
    assert (options.command, options.rest) == ("up", ["-d"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-d --abort-on-container-exit", "--detach cannot be combined"),
        ("-d --attach web", "--detach cannot be combined"),
        ("--wait --exit-code-from web", "--wait cannot be combined"),
        ("--force-recreate --no-recreate", "--force-recreate and --no-recreate are incompatible"),
        ("--always-recreate-deps --no-recreate", "are incompatible"),
        ("--build --no-build", "--build and --no-build are incompatible"),
        ("--abort-on-container-exit --abort-on-container-failure", "are incompatible"),
        ("--watch", "has no `--watch`"),
    ],
)
def test_flags_of_up_that_exclude_each_other_must_be_refused(line: str, message: str) -> None:
    """Before anything happens."""
    options = _parser("up").read(shlex.split(line), argparse.Namespace())
    with pytest.raises(ProjectError, match=message):
        up_arguments.check(options)


def test_flags_that_imply_others_must_do_so() -> None:
    """`--wait` detaches; `--exit-code-from` aborts when a container ends."""
    options = _parser("up").read(["--wait"], argparse.Namespace())
    up_arguments.check(options)
    assert options.detach
    options = _parser("up").read(["--exit-code-from", "web"], argparse.Namespace())
    up_arguments.check(options)
    assert options.abort_on_container_exit


def test_run_must_not_publish_in_two_ways() -> None:
    """`-P` and `-p` are incompatible."""
    options = _parser("run").read(["-P", "-p", "80:80", "web"], argparse.Namespace())
    with pytest.raises(ProjectError, match="incompatible"):
        run_arguments.check(options)


def test_scales_must_be_service_and_number() -> None:
    """As docker compose words its refusal."""
    assert scales(["web=3", "db=0"]) == {"web": 3, "db": 0}
    with pytest.raises(UsageError, match='invalid --scale option "web"'):
        scales(["web"])
    with pytest.raises(UsageError, match="not a number"):
        scales(["web=many"])


def test_orphans_must_not_be_ignored_and_removed_at_once() -> None:
    """COMPOSE_IGNORE_ORPHANS against `--remove-orphans`."""
    options = argparse.Namespace(remove_orphans=True)
    with pytest.raises(ProjectError, match="cannot combine COMPOSE_IGNORE_ORPHANS and --remove-orphans"):
        settle_orphans(options, {"COMPOSE_IGNORE_ORPHANS": "1"})
    options = argparse.Namespace(remove_orphans=False)
    settle_orphans(options, {"COMPOSE_REMOVE_ORPHANS": "true"})
    assert options.remove_orphans
