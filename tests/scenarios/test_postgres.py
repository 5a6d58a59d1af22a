"""nginx, Redis and PostgreSQL as Debian packages them: programs that know nothing of containers."""

import urllib.request
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.ports import free_port

STACK = """
name: shop
x-image: &image
  image: shop:1
services:
  db:
    <<: *image
    user: postgres
    command: ["sh", "/start/postgres"]
    stop_signal: SIGINT
    volumes: ["data:/var/lib/postgresql", "./start:/start:ro"]
    shm_size: 128m
    healthcheck:
      test: ["CMD-SHELL", "psql -h 127.0.0.1 -c 'select 1' shop"]
      interval: 1s
      timeout: 5s
      retries: 60
  cache:
    <<: *image
    user: redis
    command: redis-server --dir /var/lib/redis --appendonly yes
    volumes: ["kept:/var/lib/redis"]
    healthcheck:
      test: ["CMD", "redis-cli", "ping"]
      interval: 1s
  front:
    <<: *image
    command: ["nginx", "-g", "daemon off;"]
    ports: ["127.0.0.1:${PORT}:80"]
    depends_on:
      db: {condition: service_healthy}
      cache: {condition: service_healthy}
volumes:
  data:
  kept:
"""
# Once: make the cluster on the volume, owned by the service's own user. Always: run it.
START = """
set -e
bin=$(ls -d /usr/lib/postgresql/*/bin)
data=/var/lib/postgresql/data
[ -s $data/PG_VERSION ] || {
    $bin/initdb --auth=trust --no-sync $data
    echo "create database shop;" | $bin/postgres --single -D $data postgres
}
exec $bin/postgres -D $data -c listen_addresses='*' -c unix_socket_directories=/tmp
"""


@pytest.fixture
def shop(cli: Cli, debian_tar: Path) -> Cli:
    """Return the stack's folder with the image imported."""
    cli.write(STACK)
    cli.write(f"PORT={free_port()}\n", ".env")
    cli.write(START, "start/postgres")
    cli.run("image", "import", str(debian_tar), "shop:1")
    return cli


def _sql(shop: Cli, statement: str) -> str:
    return shop.run("exec", "-T", "db", "psql", "-h", "127.0.0.1", "-At", "-c", statement, "shop").stdout


@pytest.mark.debian
def test_a_database_must_keep_its_rows_over_down_and_up(shop: Cli):
    """A row written before `down` is there after `up`: the volume outlives its containers."""
    shop.run("up", "-d", "--wait", timeout=100)
    assert shop.run("exec", "-T", "db", "id", "-un").stdout == "postgres\n"
    _sql(shop, "create table orders (what text); insert into orders values ('a lamp')")
    assert shop.run("exec", "-T", "cache", "redis-cli", "set", "lamp", "lit").stdout == "OK\n"
    port = shop.run("port", "front", "80").stdout.strip()
    with urllib.request.urlopen(f"http://{port}/", timeout=5) as page:
        assert b"nginx" in page.read()

    shop.run("down")
    assert shop.run("ps", "-aq").stdout == ""
    shop.run("up", "-d", "--wait", timeout=100)
    assert _sql(shop, "select what from orders") == "a lamp\n"
    assert shop.run("exec", "-T", "cache", "redis-cli", "get", "lamp").stdout == "lit\n"
    shop.run("down", "--volumes")
    assert shop.run("volumes", "-q").stdout == ""
