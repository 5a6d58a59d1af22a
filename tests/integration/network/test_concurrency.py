"""Several threads of a command at once, and a command that dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.network.controller import NetworkController
from runtime.resolver import netns
from runtime.state import intents, networks
from runtime.state.database import Database
from schemas.engine.specs import NetworkSpec, PortBinding
from tests.integration.network.conftest import Site, nft_tables
from tests.integration.network.connections import OK, connect, listen
from tests.integration.network.test_lifecycle import links

_ROOT = Path(__file__).resolve().parents[3]


def at_once(*actions: Callable[[], object]) -> None:
    failures: list[BaseException] = []

    def run(action: Callable[[], object]) -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - raised again in the test's thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_threads_must_not_get_in_each_others_way(site: Site) -> None:
    """Four networks, then sixteen containers with ports, then all stopped: each in a thread of its own."""
    at_once(*(lambda n=number: site.network(f"n{n}") for number in range(4)))
    made: dict[int, int] = {}

    def start(number: int) -> None:
        record = site.container(f"c{number}", f"n{number % 4}", ports=(PortBinding(80),))
        made[number] = record.ports[0].host_port

    at_once(*(lambda n=number: start(n) for number in range(16)))
    everyone = networks.all_of(site.database.read())
    assert len({each.subnet for each in everyone}) == 4
    assert len(set(made.values())) == 16
    for number in (0, 7, 15):
        with listen(site.sandboxes[f"c{number}"], 80):
            assert connect(None, "127.0.0.1", made[number]) == OK
    at_once(*(lambda n=number: site.stop(f"c{n}") for number in range(16)))


@pytest.mark.parametrize("delay_s", [0.0, 0.002, 0.005, 0.01, 0.02, 0.04])
def test_a_killed_command_must_leave_what_the_next_can_finish(site: Site, delay_s: float) -> None:
    """Networks are made and removed in a loop; whenever it is killed, `reconcile` leaves bridges and rows equal."""
    code = (
        "import sys; from pathlib import Path; from runtime.network.controller import NetworkController\n"
        "from runtime.paths import Paths; from runtime.state.database import Database\n"
        "from schemas.engine.specs import NetworkSpec\n"
        f"paths = Paths(Path({str(site.paths.state)!r}), Path({str(site.paths.run)!r}))\n"
        "controller = NetworkController(Database(paths.database), paths)\n"
        "controller.warm_up(); controller.create_network(NetworkSpec('first', 'shop')); print('ready', flush=True)\n"
        "while True:\n"
        "    made = [controller.create_network(NetworkSpec(f'n{each}', 'shop')) for each in range(3)]\n"
        "    controller.apply_firewall('shop')\n"
        "    for each in made: controller.remove_network(each)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=_ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    # The worker ends by itself when it sees that nobody asks any more.
    deadline = time.monotonic() + 5
    while _workers() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _workers()
    later = NetworkController(Database(site.paths.database), site.paths)
    try:
        later.reconcile("shop")
    finally:
        later.close()
    known = networks.all_of(site.database.read())
    assert {each.bridge for each in known} == {name for name in links() if name.startswith("pc-")}
    assert len(nft_tables()) == 1
    assert intents.of_project(site.database.read(), "shop") == []
    site.network("after")
    assert NetworkSpec("first", "shop") in [each.spec for each in known]


def _workers() -> list[int]:
    """Return the processes that live in this test's network namespace, but for itself."""
    home = netns.current()
    own = os.fstat(home).st_ino
    os.close(home)
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                if (process / "ns/net").stat().st_ino == own:
                    found.append(int(process.name))
            except OSError:
                continue
    return found
