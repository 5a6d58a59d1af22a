"""A published port is the container's while it runs, and the machine's again afterwards."""

import socket

from tests.support.cli import Cli, wait_until
from tests.support.ports import free_port

PROJECT = """
name: shop
services:
  web:
    image: busybox
    command: sh -c 'mkdir /www; echo hello >/www/index.html; httpd -h /www; sleep 1.5'
    ports: ["127.0.0.1:{port}:80"]
"""


def _answer(port: int) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return connection.recv(4096)
    except OSError:
        return b""


def test_a_port_must_be_free_again_when_its_container_ends_by_itself(cli: Cli, busybox: str):
    """No command runs at that moment: the supervisor sees to it that a server of the host gets what comes."""
    port = free_port()
    cli.write(PROJECT.format(port=port))
    cli.run("up", "-d")
    wait_until(lambda: b"200 OK" in _answer(port))
    wait_until(lambda: "Exited" in cli.run("ps", "-a").stdout)
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(0.2)

        def reached() -> bool:
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            try:
                server.accept()[0].close()
            except TimeoutError:
                return False
            finally:
                client.close()
            return True

        wait_until(reached)
    cli.run("up", "-d")
    wait_until(lambda: b"200 OK" in _answer(port))
    cli.run("down", "-t", "0")
