"""The door to networkx: as little as possible, and whatever the installed version needs."""

import subprocess
import sys

from tests.support.sources import ROOT


def _python(code: str) -> str:
    command = [sys.executable, "-P", "-c", f"import sys\nimport compose.graph.digraph as door\n{code}"]
    environment = {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=True).stdout


def test_a_graph_must_not_import_what_no_graph_of_ours_needs() -> None:
    """Every `up`, `down`, `stop` pays for it. Red with a version that wants more: mend the list in the door then."""
    modules = _python("print(*sys.modules)").split()
    assert sum(name.startswith("networkx") for name in modules) < 50
    assert not {"importlib.metadata", "logging", "networkx.drawing"} & set(modules)


def test_a_version_that_is_built_otherwise_must_get_the_whole_package() -> None:
    """As 3.2 to 3.4, whose modules ask the package for other names."""
    answer = _python(
        "for name in [each for each in sys.modules if each.startswith('networkx')]: del sys.modules[name]\n"
        "door._CORE = ('exception', 'not_there')\n"
        "door._put_in_place()\n"
        "import networkx\n"
        "door._try_out(networkx)\n"
        "print(networkx.complete_graph(3).size())"
    )
    assert answer == "3\n"


def test_a_part_that_answers_wrongly_must_not_be_used() -> None:
    """It is tried before anything relies on it."""
    answer = _python(
        "import types\n"
        "part = types.SimpleNamespace(**{**vars(door.networkx), 'ancestors': lambda *_: set()})\n"
        "try: door._try_out(part)\n"
        "except ImportError as error: print(error)"
    )
    assert "answers otherwise" in answer
