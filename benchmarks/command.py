"""The command of a benchmark whose parts are measured one by one."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.bounds import Bounds, print_table, report_bounds
from benchmarks.parts import code_digest, is_measured, save, together
from benchmarks.results_file import RESULTS_DIR, Figure, read_results, write_results
from operators.installation import ROOT

Measure = Callable[[bool], dict[str, Figure]]


@dataclass(frozen=True)
class Benchmark:
    """A benchmark.

    Attributes:
        name: Its name, and that of the system that it measures.
        description: What the command says of itself.
        parts: What measures each part, given whether the run is a quick one; in this order.
        seeds: Seeds of a full run.
        by_value: Figures of which the value alone must hold; else the whole interval must.
        earlier: Parts, runs of hours, whose figures may be of other commits, or missing; those that
            the results file has stay there until they are measured again.
        finish: Draws what was measured and returns its figures with those that follow from them.
        bounds: What must hold in a full run, by figure.
        quick_bounds: What differs from that in a quick run.
    """

    name: str
    description: str
    parts: Mapping[str, Measure]
    seeds: Sequence[int]
    bounds: Bounds
    quick_bounds: Bounds
    by_value: Collection[str] = ()
    earlier: Collection[str] = ()
    finish: Callable[[dict[str, Figure]], dict[str, Figure]] = dict


def run(benchmark: Benchmark, arguments: Sequence[str] | None = None) -> int:
    """Run the command of a benchmark; returns 1 if a bound is missed."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{benchmark.name}",
        description=benchmark.description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    every = ",".join(benchmark.parts)
    parser.add_argument("--quick", action="store_true", help="small parts, nothing is written")
    parser.add_argument("--parts", default=every, help="which parts, by comma")
    given = parser.parse_args(arguments)
    names = given.parts.split(",")
    if unknown := set(names) - set(benchmark.parts):
        parser.error(f"expected parts of {every}, got {', '.join(sorted(unknown))}")
    os.environ["OMP_NUM_THREADS"] = "1"
    figures = _measure(benchmark, names, quick=given.quick)
    if not given.quick:
        _publish(benchmark)
    bounds = {**benchmark.bounds, **(benchmark.quick_bounds if given.quick else {})}
    missed = report_bounds(figures, bounds, quick=given.quick, by_value=benchmark.by_value)
    return int(missed > 0)


def _publish(benchmark: Benchmark) -> None:
    """Write the results file of what was measured so far; says why, if it can't be."""
    missing = [part for part in benchmark.parts if not is_measured(benchmark.name, part)]
    earlier = [part for part in benchmark.earlier if is_measured(benchmark.name, part)]
    together_now = [part for part in benchmark.parts if part not in benchmark.earlier]
    try:
        part = together(benchmark.name, together_now, earlier=earlier)
    except (FileNotFoundError, ValueError) as error:
        print(f"no results file yet: {error}")
        return
    if missing:
        print(f"not measured here; what the file says of them stays: {', '.join(missing)}")
    path = write_results(
        benchmark.name,
        f"make bench NAME={benchmark.name}",
        part.seeds,
        benchmark.finish({**_told_before(benchmark), **part.figures}),
        measured_on=part.commit,
    )
    print(f"written: {path.relative_to(ROOT)}; show it with `make readme`")


def _told_before(benchmark: Benchmark) -> dict[str, Figure]:
    """Figures of earlier parts in the results file: they were measured on another machine."""
    path = RESULTS_DIR / f"{benchmark.name}.json"
    if not (benchmark.earlier and path.is_file()):
        return {}
    return {key: each for key, each in read_results(path).figures.items() if each.commit}


def _measure(benchmark: Benchmark, names: Sequence[str], *, quick: bool) -> dict[str, Figure]:
    """Measure parts one after the other; full ones are kept as soon as they are done."""
    figures: dict[str, Figure] = {}
    for name in names:
        code, begun_s = code_digest(benchmark.name), time.monotonic()
        print(f"part {name}", flush=True)
        found = benchmark.parts[name](quick)
        print_table(found)
        print(f"part {name}: {time.monotonic() - begun_s:.0f} s", flush=True)
        if not quick:
            save(benchmark.name, name, benchmark.seeds, found, code)
        figures |= found
    return figures
