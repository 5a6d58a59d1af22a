"""What loading costs: `config -q` beside docker compose's in one run, and each stage of the loader.

    python benchmarks/load.py [--peer SCRIPT] [--sizes 30,300,3000] [--file COMPOSE_FILE] [--rounds 5] [--json]

Generated projects of so many services (tests/support/stacks.py), and a file of your own. The whole command is
timed by the clock; the stages in processor time, each time in a fresh process, without the collector, as the
command runs. Figures are medians. SCRIPT is that of compare.py; without it only pycompose is measured. Ends with 1
when a budget is missed.
"""

import argparse
import functools
import gc
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.engines import Engine, docker, ours  # noqa: E402 - the path has to be set first
from tests.support.stacks import stack  # noqa: E402 - as above

STAGES = {
    "parse": ("compose.loader.files:read_documents",),
    "interpolate": ("compose.loader.files:interpolate",),
    "merge": (
        "compose.loader.files:apply_resets",
        "compose.loader.files:merge",
        "compose.loader.files:enforce_unicity",
    ),
    "schema": ("compose.loader.files:check_schema",),
    "canonical": (
        "compose.loader.files:canonical",
        "compose.loader.files:set_defaults",
        "compose.loader.files:check",
        "compose.loader.files:resolve_paths",
        "compose.loader.files:inherit_variables",
    ),
    "normalize": ("compose.loader.pipeline:normalize",),
    "typed": ("compose.loader.pipeline:convert",),
    "consistency": (
        "compose.loader.consistency:check_consistency",
        "compose.loader.consistency:check_container_names",
        "compose.loader.pipeline:resolve_environment",
        "compose.loader.pipeline:resolve_labels",
    ),
    "model": ("compose.loader.project:build_project",),
}
"""Stage to the functions it consists of, where they are called."""

REST = "the rest"
PRINT = "print"
RATIOS = {30: 1.5, 300: 1.0, 3000: 1.0}
GROWTH = 1.3


def main() -> int:
    """Measure, print, and end with 1 when a budget is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="script that runs commands beside a Docker engine")
    parser.add_argument("--sizes", default="30,300,3000", help="numbers of services")
    parser.add_argument("--file", help="a Compose file to measure too")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--stages", metavar="COMPOSE_FILE", help="time the stages of one load and print them as JSON")
    options = parser.parse_args()
    if options.stages:
        print(json.dumps(stages_of(options.stages)))
        return 0
    projects = [(f"{size} services", int(size), stack(int(size))) for size in options.sizes.split(",")]
    if options.file:
        projects.insert(0, (f"{Path(options.file).resolve().parent.name}, whole", 0, Path(options.file).read_text()))
    with tempfile.TemporaryDirectory(prefix="pycompose-bench-") as folder:
        engines = [ours(Path(folder))]
        if options.peer:
            engines.append(docker(options.peer))
        rows = [measured(engines, options.rounds, *project) for project in projects]
    grown = growth(rows)
    print(json.dumps({"projects": rows, "growth": grown}, indent=2) if options.json else text(rows, grown))
    missed = grown is not None and grown > GROWTH
    return int(missed or any(row["within"] is False for row in rows))


def measured(engines: list[Engine], rounds: int, label: str, size: int, content: str) -> dict[str, object]:
    """Return what one project costs: the whole command on each engine, in turn, and the stages."""
    stages: list[dict[str, float]] = []
    for engine in engines:
        engine.path = engine.project_file(content)
        engine.run("config", "-q")
    for _ in range(rounds):
        for engine in engines:
            engine.timed(label, size, "config", "-q")
        stages.append(_apart(engines[0].path))
    figures = [statistics.median(engine.times[label, size]) * 1000 for engine in engines]
    ratio = figures[0] / figures[1] if len(figures) > 1 else None
    budget = RATIOS.get(size)
    return {
        "project": label,
        "services": size,
        "pycompose_ms": figures[0],
        "docker_ms": figures[1] if len(figures) > 1 else None,
        "ratio": ratio,
        "budget": budget,
        "within": None if ratio is None or budget is None else ratio <= budget,
        "stages_ms": {name: statistics.median(each[name] for each in stages) for name in stages[0]},
    }


def _apart(path: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--stages", path]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=True)
    return dict(json.loads(done.stdout))


def stages_of(path: str) -> dict[str, float]:
    """Return stage to milliseconds of processor time, of one load of a file in this process, and of printing it."""
    gc.disable()
    options = importlib.import_module("compose.loader.options")
    loader = importlib.import_module("compose.loader.project")
    spent = dict.fromkeys(STAGES, 0.0)
    within: list[float] = [0.0]
    for stage, functions in STAGES.items():
        for function in functions:
            _time(stage, function, spent, within)
    # The first model is made before: what making validators costs is the same for each number of services.
    importlib.import_module("schemas.composefile.project").Project.model_rebuild()
    begun = time.process_time()
    result = loader.load(options.LoadOptions(cwd=str(Path(path).parent), environment={"HOME": "/root"}, files=(path,)))
    whole = time.process_time() - begun
    spent[REST] = whole - sum(spent.values())
    begun = time.process_time()
    _ = result.yaml
    spent[PRINT] = time.process_time() - begun
    return {name: seconds * 1000 for name, seconds in spent.items()}


def _time(stage: str, place: str, spent: dict[str, float], within: list[float]) -> None:
    """Put a function that adds its time to a stage in a function's place; without what other stages take within it."""
    module_name, name = place.split(":")
    module = importlib.import_module(module_name)
    function: Callable[..., object] = getattr(module, name)

    @functools.wraps(function)
    def timed(*arguments: object, **named: object) -> object:
        within.append(0.0)
        begun = time.process_time()
        try:
            return function(*arguments, **named)
        finally:
            seconds = time.process_time() - begun
            spent[stage] += seconds - within.pop()
            within[-1] += seconds

    setattr(module, name, timed)


def growth(rows: list[dict[str, object]]) -> float | None:
    """Return how the processor time for one service of the largest project compares with that of the smallest."""
    sizes = {int(str(row["services"])): row["stages_ms"] for row in rows if row["services"]}
    if len(sizes) < 2:
        return None
    few, many = min(sizes), max(sizes)
    each = {size: sum(ms for name, ms in dict(sizes[size]).items() if name != PRINT) / size for size in (few, many)}
    return each[many] / each[few]


def text(rows: list[dict[str, object]], grown: float | None) -> str:
    """Return both tables."""
    lines = [f"{'config -q':<24}{'pycompose':>12}{'docker':>12}{'ratio':>8}{'budget':>8}"]
    for row in rows:
        docker_ms, ratio, budget = ("-" if row[key] is None else row[key] for key in ("docker_ms", "ratio", "budget"))
        beside = f"{docker_ms:>9.1f} ms{ratio:>8.2f}" if ratio != "-" else f"{'-':>12}{'-':>8}"
        mark = "  MISSED" if row["within"] is False else ""
        lines.append(f"{row['project']:<24}{row['pycompose_ms']:>9.1f} ms{beside}{budget!s:>8}{mark}")
    lines += ["", f"{'µs for a service':<24}" + "".join(f"{row['project']:>16}" for row in rows)]
    for name in (*STAGES, REST, PRINT):
        figures = ((dict(row["stages_ms"])[name], int(str(row["services"])) or 1) for row in rows)
        lines.append(f"{name:<24}" + "".join(f"{ms * 1000 / size:>16.0f}" for ms, size in figures))
    if grown is not None:
        mark = "  MISSED" if grown > GROWTH else ""
        lines.append(f"\none service of most, over one of fewest: {grown:.2f} (budget {GROWTH}){mark}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
