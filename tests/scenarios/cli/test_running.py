"""`exec`, `run`, attached `up`, and the commands that stop and start."""

import time

import pytest

from tests.support.cli import Cli

pytestmark = pytest.mark.usefixtures("busybox")

PAIR = """
name: pair
services:
  web:
    image: busybox
    command: ["sh", "-c", "echo hello; sleep 0.5; echo oops >&2; exit 2"]
    depends_on: [db]
  db:
    image: busybox
    command: ["sleep", "1000"]
    stop_grace_period: 0s
"""
LONG = """
name: long
services:
  web:
    image: busybox
    command: ["sleep", "1000"]
    stop_grace_period: 0s
"""


def test_exec_must_pass_code_streams_and_settings(cli: Cli) -> None:
    """Standard input, output and error apart; user, folder and variables; 127 for what is not there."""
    cli.write(LONG)
    cli.run("up", "-d")
    done = cli.run("exec", "-T", "web", "sh", "-c", "cat; echo err >&2; exit 7", stdin="in\n", code=7)
    assert (done.stdout, done.stderr) == ("in\n", "err\n")
    done = cli.run("exec", "-T", "-e", "A=1", "-w", "/tmp", "-u", "1000:1000", "web", "sh", "-c", "echo $A; pwd; id -u")
    assert done.stdout.split() == ["1", "/tmp", "1000"]
    assert "nosuchprogram" in cli.run("exec", "-T", "web", "nosuchprogram", code=127).stderr
    cli.run("exec", "-d", "web", "touch", "/tmp/made")
    assert 'service "db" is not running' in cli.run("exec", "db", "true", code=1).stderr
    cli.run("down")


def test_exec_on_a_terminal_must_be_a_terminal(cli: Cli) -> None:
    """The shell has the window's size, Ctrl-C reaches its program, and the exit code comes back."""
    cli.write(LONG)
    cli.run("up", "-d")
    with cli.on_terminal("exec", "web", "sh") as terminal:
        terminal.wait_for("# ")
        terminal.type("test -t 0 && echo it-is-a-$((1+1))-terminal\n")
        terminal.wait_for("it-is-a-2-terminal")
        terminal.type("echo $((3+4))-and-asleep; sleep 100\n")
        terminal.wait_for("7-and-asleep")
        time.sleep(0.5)
        terminal.type("\x03")
        terminal.wait_for("^C")
        terminal.type("exit 3\n")
        assert terminal.wait(20) == 3
    cli.run("down")


def test_run_must_keep_streams_apart_byte_for_byte(cli: Cli) -> None:
    """Exit code, standard input, an unterminated last line, and nothing left with `--rm`."""
    cli.write(LONG)
    script = "cat; echo err >&2; printf end; exit 5"
    done = cli.run("run", "--rm", "-T", "--no-deps", "web", "sh", "-c", script, stdin="in\n", code=5)
    assert done.stdout == "in\nend"
    assert done.stderr.endswith("err\n")
    assert cli.run("run", "--rm", "-T", "web", "true").stdout == ""
    cli.run("run", "--rm", "-T", "web", "nosuchprogram", code=127)
    assert cli.run("ps", "-a", "-q").stdout == ""
    cli.run("down")


def test_run_on_a_terminal_must_show_the_first_output(cli: Cli) -> None:
    """Also of a program that has ended before anybody could attach."""
    cli.write(LONG)
    with cli.on_terminal("run", "--rm", "web", "echo", "hi") as terminal:
        assert terminal.wait(20) == 0
        assert terminal.shown.replace("\r", "").endswith("hi\n")
    with cli.on_terminal("run", "--rm", "web", "sh") as terminal:
        terminal.wait_for("# ")
        terminal.type("exit 4\n")
        assert terminal.wait(20) == 4
    cli.run("down")


def test_attached_up_must_print_everything_and_end_with_the_containers(cli: Cli) -> None:
    """`up web` ends with web, whatever db does; web's standard error is ours."""
    cli.write(PAIR)
    done = cli.run("up", "web")
    assert done.stdout == "Attaching to web-1\nweb-1  | hello\nweb-1 exited with code 2\n"
    assert "web-1  | oops\n" in done.stderr
    assert cli.run("ps", "--services").stdout == "db\n"
    cli.run("down")


def test_no_line_must_be_lost_when_a_container_ends(cli: Cli) -> None:
    """Not of a program that prints much faster than anybody reads and is gone at once."""
    cli.write("""
name: many
services:
  one: {image: busybox, command: [seq, "1", "30000"]}
  two: {image: busybox, command: [seq, "1", "30000"]}
""")
    expected = sorted(f"{name}-1  | {number}" for name in ("one", "two") for number in range(1, 30001))
    for command in (("up",), ("logs", "-f"), ("logs",)):
        shown = cli.run(*command).stdout.splitlines()
        assert sorted(line for line in shown if "|" in line) == expected
    assert cli.run("run", "--rm", "-T", "one").stdout.splitlines() == [str(number) for number in range(1, 30001)]
    cli.run("down")


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--abort-on-container-exit",), 2),
        (("--abort-on-container-failure",), 2),
        (("--exit-code-from", "web"), 2),
        (("--exit-code-from", "db"), 137),
    ],
)
def test_the_end_of_one_container_must_end_all_where_asked(cli: Cli, flags: tuple[str, ...], code: int) -> None:
    """The exit code is the one that was asked for."""
    cli.write(PAIR)
    done = cli.run("up", *flags, code=code)
    assert "Aborting on container exit...\n" in done.stderr
    assert cli.run("ps", "-q").stdout == ""
    cli.run("down")


def test_a_failing_start_must_end_an_attached_up(cli: Cli) -> None:
    """The error is shown and the code is not 0."""
    cli.write(LONG.replace('["sleep", "1000"]', '["nosuchprogram"]'))
    assert "nosuchprogram" in cli.run("up", code=1).stderr
    cli.run("down")


def test_plain_progress_must_be_docker_composes(cli: Cli) -> None:
    """Line for line, as docker compose prints it into a pipe."""
    cli.write(LONG)
    assert cli.run("up", "-d").stderr == (
        " Network long_default  Creating\n"
        " Network long_default  Created\n"
        " Container long-web-1  Creating\n"
        " Container long-web-1  Created\n"
        " Container long-web-1  Starting\n"
        " Container long-web-1  Started\n"
    )
    assert cli.run("up", "-d").stderr == " Container long-web-1  Running\n"
    assert cli.run("restart", "-t", "0").stderr == (
        " Container long-web-1  Restarting\n Container long-web-1  Started\n"
    )
    assert cli.run("stop").stderr == " Container long-web-1  Stopping\n Container long-web-1  Stopped\n"
    assert cli.run("start").stderr == " Container long-web-1  Starting\n Container long-web-1  Started\n"
    assert cli.run("kill").stderr == " Container long-web-1  Killing\n Container long-web-1  Killed\n"
    assert cli.run("rm", "-f").stdout == "Going to remove long-web-1\n"
    assert cli.run("--progress", "quiet", "down").stderr == ""
    assert 'No resource found to remove for project "long"' in cli.run("down").stderr


def test_a_dry_run_must_change_nothing(cli: Cli) -> None:
    """It prints the plan."""
    cli.write(LONG)
    assert "CreateContainer" in cli.run("--dry-run", "up", "-d").stdout
    assert cli.run("ps", "-a", "-q").stdout == ""


def test_removal_must_be_agreed_to(cli: Cli) -> None:
    """Without `-f` it asks; no answer is no."""
    cli.write(LONG)
    cli.run("create")
    assert "Going to remove long-web-1" in cli.run("rm").stdout
    assert cli.run("ps", "-a", "--services").stdout == "web\n"
    cli.run("rm", stdin="y\n")
    assert cli.run("ps", "-a", "--services").stdout == ""
    cli.run("down")


def test_down_must_remove_a_network_that_only_ended_containers_stood_on(cli: Cli) -> None:
    """What `run` left behind does not run: the network goes, as with docker compose, and the container stays."""
    cli.write(LONG)
    cli.run("run", "--name", "job", "web", "true")
    done = cli.run("down")
    assert "Network long_default  Removed" in done.stderr
    assert "job" in cli.run("ps", "-a").stdout
    cli.run("down", "--remove-orphans")
    assert "job" not in cli.run("ps", "-a").stdout
