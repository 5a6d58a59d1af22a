"""What runs as long as a container does starts fast and stays small: the standard library's light part only.

The contracts in pyproject.toml see import statements; this looks at what was really imported. The commands'
tiers are tested in tests/unit/cli.
"""

import subprocess
import sys

import pytest

from tests.support.sources import ROOT, sources

HEAVY = {"pydantic", "networkx", "pyroute2", "rich", "yaml", "asyncio", "logging", "typing_extensions", "email", "http"}


@pytest.mark.parametrize(
    "module", sorted(name for name in sources() if name.startswith(("runtime.supervisor.", "runtime.launch.")))
)
def test_a_module_of_the_supervisor_must_need_no_site_packages(module: str):
    """The supervisor runs under `python -I -S`: no library is on its path, and none of the heavy parts is imported."""
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    assert HEAVY & {name.partition(".")[0] for name in done.stdout.split()} == set()


def test_the_engine_must_not_import_the_netlink_library():
    """pyroute2 costs 150 ms: it belongs to the network worker, which starts beside the command."""
    script = "import runtime.engine, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {"pyroute2", "pydantic", "networkx", "rich", "asyncio", "urllib3"} & set(done.stdout.split()) == set()
