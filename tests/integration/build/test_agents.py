"""RUN --mount=type=ssh: OpenSSH's own programs in a step, and its agent and keys outside."""

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.build.plan import BindMount, ContextSource, RunStep, SshMount
from runtime.build.roots import Surroundings
from runtime.build.worker.agents import start_relay
from runtime.build.worker.messages import BindSocket
from runtime.errors import InvalidArgument, Unsupported
from tests.integration.build.stages import Builds, run
from tests.support.cli import wait_until

pytestmark = pytest.mark.skipif(shutil.which("ssh-add") is None, reason="no ssh-add: install openssh-client")

LISTED = bytes((0, 0, 0, 1, 11))
"""The request for all keys."""


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key that only its owner reads, with its public one beside it."""
    path = tmp_path / "id"
    made(path)
    return path


def made(path: Path, passphrase: str = "") -> None:
    """Make a key."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "of the test", "-f", str(path)]
    subprocess.run(command, check=True, timeout=30)


@pytest.fixture
def agent(tmp_path: Path, key: Path) -> Iterator[Path]:
    """The socket of an agent that has the key."""
    path = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL) as process:
        wait_until(path.exists)
        subprocess.run(["ssh-add", "-q", str(key)], env=environment(path), check=True, timeout=30)
        yield path
        process.terminate()


def environment(agent: Path) -> dict[str, str]:
    """An environment with an agent."""
    return {**os.environ, "SSH_AUTH_SOCK": str(agent)}


def asking(builds: Builds, command: str, *, key: Path | None = None) -> RunStep:
    """A step that has ssh-add, as `add`, and the public key."""
    program = shutil.which("ssh-add") or ""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True, timeout=30).stdout
    for path in [program, *re.findall(r"(/\S+) \(0x", listed), *([f"{key}.pub"] if key else [])]:
        shutil.copy(path, builds.context)
    beginning = 'add() { /m/ld-linux-*.so.* --library-path /m /m/ssh-add "$@" 2>&1; }; '
    return run(beginning + command, mounts=[SshMount(), BindMount("/m", ContextSource())], network="none")


@pytest.mark.parametrize("kind", ["agent", "key"])
def test_a_step_must_be_able_to_sign(builds: Builds, key: Path, agent: Path, kind: str):
    """With the keys of an agent, or with a key in a file, for which there is an agent as long as the step."""
    around = Surroundings(ssh={"default": str(agent if kind == "agent" else key)})
    built = builds.build(asking(builds, "add -l && add -T /m/id.pub", key=key), around=around)
    assert re.fullmatch(r"256 SHA256:\S+ of the test \(ED25519\)\n", built.output), built.output
    assert built.last.exit_code == 0


def test_a_step_must_not_change_the_agent_of_the_user(builds: Builds, key: Path, agent: Path):
    """It removes no key and locks nothing."""
    step = asking(builds, "add -D; add -d /m/id.pub; add -l")
    built = builds.build(step, around=Surroundings(ssh={"default": str(agent)}))
    assert "of the test" in built.output
    left = subprocess.run(["ssh-add", "-l"], env=environment(agent), capture_output=True, text=True, check=True)
    assert "of the test" in left.stdout


def test_an_agent_of_a_key_must_end_with_its_step(builds: Builds, key: Path):
    """Nobody has the key afterwards."""
    builds.build(run("true", mounts=[SshMount()], network="none"), around=Surroundings(ssh={"default": str(key)}))
    arguments = [content(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert not any(b"/keys" in each for each in arguments if each.startswith(b"ssh-agent"))


def test_a_key_that_cannot_be_used_must_say_so(builds: Builds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One with a passphrase, one that is none; a machine without OpenSSH."""
    made(tmp_path / "locked", "secret")
    (tmp_path / "none").write_text("no key\n")
    step = run("true", mounts=[SshMount()], network="none")
    for name in ("locked", "none"):
        with pytest.raises(InvalidArgument, match=f"the ssh key `{tmp_path}/{name}` cannot be used: .") as caught:
            builds.build(step, around=Surroundings(ssh={"default": str(tmp_path / name)}))
        assert "passphrase" in caught.value.hint
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unsupported, match="needs the program `ssh-agent`, which is not installed"):
        builds.build(step, around=Surroundings(ssh={"default": str(tmp_path / "none")}))


def test_an_agent_must_answer_the_user_of_the_step(builds: Builds, tmp_path: Path):
    """Through a socket of the step's own, whose connections are passed on, requests as a whole."""
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(f"/proc/self/fd/{os.open(tmp_path, os.O_PATH)}/agent.sock")
        agent.listen()
        around = Surroundings(ssh={"default": str(tmp_path / "agent.sock")})
        looked = "test -S $SSH_AUTH_SOCK && stat -c '%a %u' $SSH_AUTH_SOCK"
        step = run(looked, mounts=[SshMount(uid=65534)], network="none")
        assert builds.build(step, around=around).output == "600 65534\n"
        agent.settimeout(5)
        relay = start_relay(BindSocket("", str(tmp_path / "agent.sock")), tmp_path / "own.sock")
        try:
            with socket.socket(socket.AF_UNIX) as user:
                user.connect(str(tmp_path / "own.sock"))
                connection, _ = agent.accept()
                with connection:
                    user.sendall(LISTED[:3])
                    user.sendall(LISTED[3:] + bytes((0, 0, 0, 1, 19)))
                    assert connection.recv(100) == LISTED
                    connection.sendall(b"answer")
                    heard = user.recv(100) + user.recv(100)
                    assert sorted(heard) == sorted(b"answer\0\0\0\1\5")
                assert user.recv(100) == b""
        finally:
            os.kill(relay, signal.SIGKILL)
            os.waitpid(relay, 0)


def content(path: Path) -> bytes:
    """The content of a file that may be gone."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
