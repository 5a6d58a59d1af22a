"""What a build has beside its files: an identity, a network for its programs, control groups; and their removal.

A build holds a lock for as long as it lives. What another one left, whose lock is free, is removed by the next: its
network, and empty control groups (its processes die with it).
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from runtime import locks
from runtime.cgroup import group
from runtime.errors import EngineError
from runtime.paths import Paths
from runtime.state import networks
from runtime.state.database import Database
from schemas.dataclass import dataclass
from schemas.engine.identifiers import new_id
from schemas.engine.records import EndpointRecord
from schemas.engine.specs import ContainerSpec, EndpointSpec, NetworkSpec

if TYPE_CHECKING:
    from runtime.network.controller import NetworkController

Networks = Callable[[], "NetworkController"]
"""Gives the controller of networks: a build that runs no program never asks for it."""
PREFIX = "_build-"
"""Of the project that a build's network and groups belong to: no project of a user's begins so."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A network stack."""

    sandbox: int | None
    """Its descriptor; None: the host's."""
    endpoints: tuple[EndpointRecord, ...] = ()


class BuildSession:
    """One build, as others on this machine see it. Every method may be called from several threads."""

    def __init__(self, database: Database, paths: Paths, networks: Networks) -> None:
        self.name = f"{PREFIX}{os.urandom(6).hex()}"
        self._database = database
        self._paths = paths
        self._networks = networks
        self._lock = threading.Lock()
        self._network = ""
        self._free: list[Stack] = []
        self._steps = 0
        self._opened = ExitStack()

    def close(self) -> None:
        """Remove everything. Idempotent."""
        self._opened.close()

    def warm_up(self) -> None:
        """Have ready what makes networks, without waiting for it. Idempotent."""
        self._networks().warm_up()

    def next_step(self) -> str:
        """Return a control group for a step, below each hierarchy's root."""
        with self._lock:
            self._begin()
            self._steps += 1
            return f"pycompose/{self.name}/{self._steps}"

    @contextmanager
    def sandbox(self, mode: str) -> Iterator[Stack]:
        """Give a program's network stack: `default` leads outside, `none` has a loopback, `host` is the host's.

        Raises ResourceExhausted, SyscallError.
        """
        if mode == "host":
            yield Stack(None)
        elif mode == "none":
            descriptor = self._networks().create_sandbox(new_id(), self.name, ())
            try:
                yield Stack(descriptor)
            finally:
                os.close(descriptor)
        else:
            stack = self._take()
            try:
                yield stack
            finally:
                # A program has no capability that lets it change what the next one finds.
                with self._lock:
                    self._free.append(stack)

    def _begin(self) -> None:
        """Become visible to others, with the first program that runs: a build that finds all in the cache never is."""
        if self._steps:
            return
        # Nobody looks for leftovers while a build has its folder and not yet its lock.
        with locks.exclusive(self._paths.state / "builds.lock", _is_short):
            _remove_leftovers(self._database, self._paths, self._networks)
            self._opened.enter_context(locks.exclusive(self._paths.project_lock(self.name), _is_short))
            self._opened.callback(self._end)

    def _take(self) -> Stack:
        with self._lock:
            if self._free:
                return self._free.pop()
            if not self._network:
                self._network = self.name
                self._networks().create_network(NetworkSpec(name=self.name, project=self.name))
            container_id = new_id()
            spec = ContainerSpec(
                name=container_id, image="", project=self.name, endpoints=(EndpointSpec(self._network),)
            )
            with self._database.transaction() as connection:
                places = self._networks().allocate(connection, container_id, spec)
            return Stack(self._networks().create_sandbox(container_id, self.name, places), places)

    def _end(self) -> None:
        for stack in self._free:
            if stack.sandbox is not None:
                os.close(stack.sandbox)
        self._free.clear()
        _remove_traces(self._database, self._paths, self._networks, self.name)


def _remove_leftovers(database: Database, paths: Paths, controllers: Networks) -> None:
    """Remove what builds left that were killed; those that live hold their lock."""
    names = {record.spec.project for record in networks.all_of(database.read())}
    names |= {folder.name for folder in paths.project_run(PREFIX).parent.glob(f"{PREFIX}*")}
    for name in names:
        if name.startswith(PREFIX) and not locks.is_held(paths.project_lock(name)):
            _remove_traces(database, paths, controllers, name)


def _remove_traces(database: Database, paths: Paths, controllers: Networks, name: str) -> None:
    for record in networks.all_of(database.read(), name):
        controllers().remove_network(record)
    with suppress(EngineError):
        group.remove(f"pycompose/{name}")
    shutil.rmtree(paths.project_run(name), ignore_errors=True)


def _is_short(_: str) -> None:
    """Nobody holds these locks for long."""
