"""What the caller's shell happens to be like must not reach into containers."""

from pathlib import Path

from tests.support.cli import Cli

PROJECT = """
name: shop
services:
  web:
    image: busybox
    user: "1000"
    command: sh -c 'cd /etc; cat passwd hosts hostname resolv.conf >/dev/null && echo readable; sleep 100'
    stop_grace_period: 0s
"""


def test_a_strict_umask_must_not_make_a_container_unreadable(cli: Cli, busybox_tar: Path):
    """`umask 077` is usual for root; /etc in the container is for its users all the same."""
    cli.write(PROJECT)
    cli.run("image", "import", str(busybox_tar), "busybox", umask=0o077)
    cli.run("up", "-d", "--wait", umask=0o077)
    assert cli.run("exec", "-T", "web", "sh", "-c", "ls /etc >/dev/null && umask", umask=0o077).stdout == "0022\n"
    assert "readable" in cli.run("logs", "web").stdout
    cli.run("down", umask=0o077)
