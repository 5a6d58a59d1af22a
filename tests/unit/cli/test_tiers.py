"""What commands import: the promise behind their speed (deterministic, unlike a clock)."""

import subprocess
import sys

from compose.cli import registry
from tests.support.sources import ROOT

HEAVY = frozenset({"pydantic", "networkx", "pyroute2", "rich", "asyncio", "yaml", "logging", "email"})
LIGHT_TIERS = (0, 1)


def _modules(*modules: str) -> set[str]:
    code = f"import sys; {'; '.join(f'import {module}' for module in modules)}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return set(done.stdout.split())


def _imported(*modules: str) -> set[str]:
    return {name.partition(".")[0] for name in _modules(*modules)}


def test_light_commands_must_not_import_heavy_libraries() -> None:
    """Their modules, the main program, and the doors that they open: location, reader, sessions."""
    light = [command.module for command in registry.COMMANDS.values() if command.tier in LIGHT_TIERS]
    doors = [registry.LOCATION, registry.QUERY, registry.SESSIONS, registry.DIAGNOSTIC]
    doors += [module for shortcuts in registry.SHORTCUTS.values() for module in shortcuts]
    assert len(light) > 10
    assert _imported("compose.__main__", *light, *doors) & HEAVY == set()


def test_the_flags_of_every_command_must_be_declared_without_heavy_libraries() -> None:
    """So that `up --help` and a mistyped flag are answered at once."""
    modules = [command.arguments for command in registry.COMMANDS.values()]
    assert _imported("compose.__main__", *modules) & HEAVY == set()


def test_a_check_of_the_project_must_import_neither_models_nor_graphs() -> None:
    """`config -q`, and `down`, `ps --orphans=false`, … which ask the files for names alone."""
    config = registry.COMMANDS["config"]
    modules = ["compose.__main__", config.arguments, *registry.SHORTCUTS["config"], registry.RESOLVED]
    assert _imported(*modules) & HEAVY == {"yaml"}
    down = ["compose.__main__", registry.COMMANDS["down"].module, registry.RESOLVED]
    assert _imported(*down) & HEAVY == {"networkx", "yaml"}


def test_a_build_by_a_kept_plan_must_import_no_library_and_nothing_of_containers() -> None:
    """Until a step is not in the cache: then the worker and, for a program, the networks come in addition."""
    modules = ["compose.__main__", registry.COMMANDS["build"].arguments, *registry.SHORTCUTS["build"]]
    modules += [registry.IMAGES, registry.BUILDER, registry.RENDERERS["plain"]]
    found = _modules(*modules)
    assert {name.partition(".")[0] for name in found} & HEAVY == set()
    rooms = ("runtime.engine", "runtime.container", "runtime.volume", "runtime.network.controller", "runtime.registry")
    assert [name for name in found if name.startswith(rooms)] == []
    assert [name for name in found if name.startswith(("compose.loader.pipeline", "schemas.composefile"))] == []


def test_a_load_of_local_files_must_not_import_what_fetches() -> None:
    """Who has no remote file pays nothing for those who do."""
    assert "subprocess" not in _imported("compose.cli.location", "compose.loader.pipeline")


def test_a_build_that_fetches_nothing_must_not_pay_for_what_fetches() -> None:
    """git and HTTP are asked for by a process of its own, which imports what they need."""
    assert not _imported("runtime.build.builder") & {
        "subprocess",
        "http.client",
        "urllib.request",
        "runtime.git.client",
    }


def test_progress_off_the_terminal_must_not_import_rich() -> None:
    """Scripts and CI pay for no live view."""
    assert "rich" not in _imported("compose.render.plain", "compose.render.jsonl", "compose.render.quiet")
