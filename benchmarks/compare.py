"""The same project on pycompose and on docker compose, in turn, in one run.

    python benchmarks/compare.py [--peer SCRIPT] [--sizes 1,3,30] [--rounds 5] [--json]
    python benchmarks/compare.py --sizes 3,30,300 --rounds 1      what one more service costs, few and many

Needs root and busybox-static. SCRIPT runs a command where a Docker engine answers: `SCRIPT run docker compose …`,
with a folder /srv of its own that holds busybox.tar; what an empty `SCRIPT run true` costs is
subtracted. Without --peer only pycompose is measured. Figures are medians; memory is the PSS of
everything but the containers' own processes: keeper and supervisor here; dockerd, containerd, shims and
docker-proxy there. The budgets beside are the ratios the project holds itself to.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.engines import Engine, docker, ours  # noqa: E402 - the path has to be set first

REPEATS = 3
"""How often what changes nothing is measured in each round."""

RATIOS = {
    ("up -d", 1): 0.9,
    ("up -d", 3): 0.7,
    ("up -d", 30): 0.12,
    ("down -t 0", 30): 0.15,
    ("up -d again", 30): 2.0,
    ("ps", 1): 0.8,
    ("ps", 3): 0.8,
    ("ps", 30): 0.8,
    ("exec true", 1): 0.6,
    ("exec true", 3): 0.6,
    ("exec true", 30): 0.6,
}
MEMORY_MB = {30: 25.0}
FURTHER_SERVICE = 1.3


def main() -> int:
    """Measure, print, and end with 1 when a budget is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="script that runs commands beside a Docker engine")
    parser.add_argument("--sizes", default="1,3,30", help="numbers of services")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="pycompose-bench-") as folder:
        engines = [ours(Path(folder))]
        if options.peer:
            engines.append(docker(options.peer))
        memory = {engine.name: {size: [] for size in sizes} for engine in engines}
        for size in sizes:
            for engine in engines:
                engine.path = engine.project_file(project(size))
            for _ in range(options.rounds):
                for engine in engines:
                    memory[engine.name][size].append(one_round(engine, size))
    rows = table(engines, memory, sizes)
    print(json.dumps(rows, indent=2) if options.json else text(rows))
    return int(any(row["within"] is False for row in rows))


def project(size: int) -> str:
    """Return a Compose file of so many services that do nothing."""
    services = "".join(
        f"  s{number}:\n    image: busybox\n    command: sleep 100000\n" for number in range(1, size + 1)
    )
    return f"services:\n{services}"


def one_round(engine: Engine, size: int) -> float:
    """Go once from nothing to nothing; return the memory in between, in MB."""
    engine.timed("up -d", size, "up", "-d")
    for _ in range(REPEATS):
        engine.timed("up -d again", size, "up", "-d")
        engine.timed("ps", size, "ps")
        engine.timed("exec true", size, "exec", "-T", "s1", "true")
    memory_mb = engine.memory_mb()
    engine.timed("down -t 0", size, "down", "-t", "0")
    return memory_mb


def table(
    engines: list[Engine], memory: dict[str, dict[int, list[float]]], sizes: list[int]
) -> list[dict[str, object]]:
    """Return a row for each figure: both medians, their ratio, the budget, whether it is held."""
    rows = []
    for label in ("up -d", "up -d again", "ps", "exec true", "down -t 0"):
        for size in sizes:
            figures = [statistics.median(engine.times[label, size]) * 1000 for engine in engines]
            rows.append(row(label, size, "ms", figures, ratio_budget=RATIOS.get((label, size))))
    for size in sizes:
        figures = [statistics.median(memory[engine.name][size]) for engine in engines]
        rows.append(row("memory", size, "MB", figures, absolute_budget=MEMORY_MB.get(size)))
    if len(sizes) >= 3 and sizes[-1] >= 100:
        rows.append(further_service(engines[0], sizes))
    return rows


def row(
    label: str,
    size: int,
    unit: str,
    figures: list[float],
    *,
    ratio_budget: float | None = None,
    absolute_budget: float | None = None,
) -> dict[str, object]:
    """Return one figure beside the other engine's and its budget."""
    ratio = figures[0] / figures[1] if len(figures) > 1 else None
    within = None
    if ratio_budget is not None and ratio is not None:
        within = ratio <= ratio_budget
    elif absolute_budget is not None:
        within = figures[0] <= absolute_budget
    return {
        "what": label,
        "services": size,
        "unit": unit,
        "pycompose": round(figures[0], 1),
        "docker": round(figures[1], 1) if len(figures) > 1 else None,
        "ratio": round(ratio, 2) if ratio is not None else None,
        "budget": ratio_budget if ratio_budget is not None else absolute_budget,
        "within": within,
    }


def further_service(engine: Engine, sizes: list[int]) -> dict[str, object]:
    """Return how the cost of one more service grows between the last two steps of sizes."""
    few, some, many = sizes[-3:]
    few_s, some_s, many_s = (statistics.median(engine.times["up -d", size]) for size in (few, some, many))
    growth = ((many_s - some_s) / (many - some)) / ((some_s - few_s) / (some - few))
    return {
        "what": "one more service",
        "services": many,
        "unit": "ms",
        "pycompose": round((many_s - some_s) / (many - some) * 1000, 1),
        "docker": None,
        "ratio": round(growth, 2),
        "budget": FURTHER_SERVICE,
        "within": growth <= FURTHER_SERVICE,
    }


def text(rows: list[dict[str, object]]) -> str:
    """Return the rows as a table."""
    lines = [f"{'':<18}{'services':>8}{'pycompose':>14}{'docker':>14}{'ratio':>8}{'budget':>9}"]
    for each in rows:
        shown = {key: "-" if value is None else str(value) for key, value in each.items()}
        mark = {True: "", False: "  MISSED", None: ""}[each["within"]]
        lines.append(
            f"{shown['what']:<18}{shown['services']:>8}{shown['pycompose'] + ' ' + shown['unit']:>14}"
            f"{shown['docker'] + (' ' + shown['unit'] if each['docker'] is not None else ''):>14}"
            f"{shown['ratio']:>8}{shown['budget']:>9}{mark}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
