"""The commands: what each is called, says of itself, and where it lives.

`load` is the program's only dynamic import. It keeps pydantic, networkx and rich out of commands
that do not need them, and lets `--help` answer from this table alone.

Tiers (checked by tests/unit/cli/test_tiers.py): 0 answers from the table; 1 reads or changes what
exists, without pydantic, networkx, pyroute2 and rich; 2 loads the project.

A command module has `run(context) -> int`; its arguments module (itself where that is cheap) has
`add_arguments(parser)`. Where the two differ, a usage error and the first steps of the runtime
come before the heavy imports.
"""

import importlib
from types import ModuleType

_COMMANDS = "compose.cli.commands"
_ARGUMENTS = "compose.cli.arguments"

PROJECT = "compose.cli.project"
RESOLVED = "compose.cli.resolved"
LOCATION = "compose.cli.location"
LIFECYCLE = "compose.cli.lifecycle"
DEFECT = "compose.cli.defect"
ADVICE = "compose.loader.advice"
DIAGNOSTIC = "compose.render.diagnostic"
QUERY = "runtime.query"
SESSIONS = "runtime.sessions"
REMOTE = "compose.remote.sources"
IMAGES = "runtime.images"
NETWORKS = "runtime.network.controller"
ENGINE = "runtime.engine"
IMAGE_NAMES = "runtime.image.remote"
ARTEFACTS = "runtime.image.artefacts"
LOGIN = "runtime.registry.login"
DISTRIBUTION = "runtime.image.distribution"
BUILDER = "runtime.build.builder"
BOOTSTRAPPER = "runtime.image.bootstrap.bootstrapper"
RENDERERS = {
    "tty": "compose.render.tty",
    "plain": "compose.render.plain",
    "json": "compose.render.jsonl",
    "quiet": "compose.render.quiet",
}


class Command:
    """One row of the table.

    `usage` is what follows the command's name in the usage line. `apart`: its flags are declared in
    compose.cli.arguments. `prepares`: it will start containers, so the runtime begins before the heavy imports.
    """

    __slots__ = ("arguments", "interspersed", "module", "prepares", "summary", "tier", "usage")

    def __init__(
        self,
        summary: str,
        usage: str,
        module: str,
        *,
        tier: int,
        interspersed: bool = True,
        apart: bool = False,
        prepares: bool = False,
    ) -> None:
        self.summary = summary
        self.usage = usage
        self.module = f"{_COMMANDS}.{module}"
        self.tier = tier
        self.interspersed = interspersed
        self.prepares = prepares
        self.arguments = f"{_ARGUMENTS}.{module}" if apart else self.module


SERVICES = "[OPTIONS] [SERVICE...]"

COMMANDS = {
    "builder": Command("Remove what builds keep", "COMMAND", "builder", tier=1, interspersed=False),
    "build": Command("Build or rebuild services", SERVICES, "build", tier=2, apart=True),
    "commit": Command(
        "Create a new image from a service container's changes",
        "[OPTIONS] SERVICE [REPOSITORY[:TAG]]",
        "commit",
        tier=1,
    ),
    "config": Command(
        "Parse, resolve and render the Compose file in canonical format", SERVICES, "config", tier=2, apart=True
    ),
    "create": Command("Create containers for services", SERVICES, "create", tier=2, apart=True),
    "down": Command("Stop and remove containers, networks", SERVICES, "down", tier=2, apart=True),
    "events": Command("Receive real time events from containers", SERVICES, "events", tier=1),
    "exec": Command(
        "Execute a command in a running container",
        "[OPTIONS] SERVICE COMMAND [ARGS...]",
        "exec",
        tier=1,
        interspersed=False,
    ),
    "export": Command(
        "Export a service container's filesystem as a tar archive", "[OPTIONS] SERVICE", "export", tier=1
    ),
    "image": Command(
        "Make, import, load, save, list, inspect and remove images", "COMMAND", "image", tier=1, interspersed=False
    ),
    "images": Command("List images used by the created containers", SERVICES, "images", tier=1),
    "kill": Command("Force stop service containers", SERVICES, "kill", tier=1),
    "login": Command("Log in to a registry", "[OPTIONS] [SERVER]", "login", tier=1),
    "logout": Command("Log out from a registry", "[SERVER]", "logout", tier=1),
    "logs": Command("View output from containers", SERVICES, "logs", tier=1),
    "ls": Command("List running projects", "[OPTIONS]", "ls", tier=1),
    "pause": Command("Pause services", SERVICES, "pause", tier=1),
    "port": Command("Print the public port for a port binding", "[OPTIONS] SERVICE PRIVATE_PORT", "port", tier=1),
    "ps": Command("List containers", SERVICES, "ps", tier=1),
    "publish": Command("Publish compose application", "[OPTIONS] REPOSITORY[:TAG]", "publish", tier=2, apart=True),
    "pull": Command("Pull service images", SERVICES, "pull", tier=2, apart=True),
    "push": Command("Push service images", SERVICES, "push", tier=2, apart=True),
    "restart": Command("Restart service containers", SERVICES, "restart", tier=1),
    "rm": Command("Remove stopped service containers", SERVICES, "rm", tier=1),
    "run": Command(
        "Run a one-off command on a service",
        "[OPTIONS] SERVICE [COMMAND] [ARGS...]",
        "run",
        tier=2,
        apart=True,
        prepares=True,
        interspersed=False,
    ),
    "scale": Command("Scale services", "[OPTIONS] SERVICE=REPLICAS...", "scale", tier=2, apart=True),
    "start": Command("Start services", SERVICES, "start", tier=1),
    "stop": Command("Stop services", SERVICES, "stop", tier=1),
    "system": Command("Show what takes space on disk", "COMMAND", "system", tier=1, interspersed=False),
    "top": Command("Display the running processes", "[SERVICES...]", "top", tier=1),
    "unpause": Command("Unpause services", SERVICES, "unpause", tier=1),
    "up": Command("Create and start containers", SERVICES, "up", tier=2, apart=True, prepares=True),
    "version": Command("Show the version information", "[OPTIONS]", "version", tier=0),
    "volumes": Command("List volumes", SERVICES, "volumes", tier=1),
    "wait": Command("Block until the containers of services stop", "SERVICE [SERVICE...] [OPTIONS]", "wait", tier=1),
}
SHORTCUTS = {
    "config": ("compose.cli.published_schema", "compose.cli.checked", "compose.cli.listed"),
    "build": ("compose.cli.planned",),
    "up": ("compose.cli.unchanged", "compose.cli.rebuilt"),
}
"""Light modules whose `report(context)` may already be a command's whole answer: an exit code, or None."""
ALIASES = {"convert": "config"}
ABSENT = frozenset({"attach", "cp", "stats", "watch", "alpha", "bridge"})
"""Commands of docker compose that this version does not have."""


def load(name: str) -> ModuleType:
    """Import one of the modules this table names."""
    return importlib.import_module(name)
