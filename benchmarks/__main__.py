"""The command behind ``make bench``: measures docs/performance.md's figures, draws its charts."""

import argparse
import sys
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from benchmarks import cold_start, reads, sizing, warm
from benchmarks.chart import Bars, chart
from benchmarks.deployment import running_deployment
from benchmarks.figures import Comparison, Spread
from benchmarks.packages import BUILD_FOLDER, ROOT, describe_machine, prepare_baseline
from benchmarks.process import leave_a_core
from benchmarks.readings import Readings
from local.errors import StartError

CHARTS_FOLDER: Final = ROOT / "docs" / "performance"
MIN_ROWS: Final = 10_000
"""With fewer rows no page is far down."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmarks; returns the exit code, which is 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="rows to read from (100,000)")
    options = parser.parse_args(arguments)
    if options.rows < MIN_ROWS:
        parser.error(f"at least {MIN_ROWS:,} rows are needed for pages far down")
    prepare_baseline()
    try:
        print_line(
            f"On {describe_machine()}."
            " CPU in milliseconds: median (least to greatest) of the rounds."
        )
        layer_size = zipped_size(BUILD_FOLDER / "DependenciesLayer")
        print_line(f"\nDependency layer: {layer_size / 1e6:.2f} MB zipped")
        leave_a_core()
        with running_deployment() as deployment:
            print_spreads("The floor of a cold start", cold_start.floor())
            cold = cold_start.measure(deployment)
            print_comparisons("Cold start, to the first answer", cold)
            print_spreads(
                "From a snapshot, to the first answer", cold_start.after_restore(deployment)
            )
            print_spreads("The floor of a warm request", warm.floor(deployment))
            hot = warm.measure(deployment)
            print_comparisons("Warm, one request", hot)
            print_authorizer_share(*hot)
        readings = reads.measure(options.rows, print_line)
    except StartError as error:
        sys.exit(f"{error}. The benchmarks need it.")
    print_readings(readings)
    print_line("\nWhat memory sizes cost; milliseconds are of CPU")
    for line in sizing.table(sizing.CpuNeed.of(cold, hot), readings.first_page_capacities()):
        print_line(line)
    CHARTS_FOLDER.mkdir(exist_ok=True)
    write_comparison_chart("cold", "CPU from a process's start to its first answer, ms", cold, 0)
    write_comparison_chart("warm", "CPU of one request, ms", hot, 1)
    title = f"Read units of pages of 100 rows in a workspace of {options.rows:,}"
    write_chart("depth", chart(title, ("all read", "found by counts"), list(readings.bars())))
    missed = [c.name for c in (*cold, *hot) if c.target and c.ratio.median < c.target]
    if readings.max_ratio(100) > reads.MAX_PAGE_RATIO:
        missed.append(
            f"pages of 100, which have to take at most {reads.MAX_PAGE_RATIO} times page 1"
        )
    if missed:
        print_line(f"\nBelow the target: {', '.join(missed)}")
    return 1 if missed else 0


def print_comparisons(title: str, comparisons: Sequence[Comparison]) -> None:
    """Prints comparisons as a table."""
    print_line(f"\n{title:32} {'baseline':>22} {'ours':>22} {'ratio':>22}  target")
    for compared in comparisons:
        baseline, ours = compared.spreads
        target = f"{compared.target:6.1f}" if compared.target else "     -"
        print_line(
            f"{compared.name:32} {baseline.format(1, 1000):>22} {ours.format(1, 1000):>22}"
            f" {compared.ratio.format(2):>22}  {target}"
        )


def print_spreads(title: str, spreads: Mapping[str, Spread]) -> None:
    """Prints figures that the baseline doesn't have."""
    print_line(f"\n{title:55} {'ours':>22}")
    for name, spread in spreads.items():
        print_line(f"{name:55} {spread.format(1, 1000):>22}")


def print_authorizer_share(*comparisons: Comparison) -> None:
    """Prints the authorizer's share of a request's CPU; its comparison is the last one."""
    *listings, authorizer = (compared.spreads[1].median for compared in comparisons)
    shares = ", ".join(
        f"{authorizer / (authorizer + ours):.0%} with {compared.name}"
        for compared, ours in zip(comparisons, listings, strict=False)
    )
    print_line(f"The authorizer's share of a request: {shares}")


def print_readings(readings: Readings) -> None:
    """Prints what requests read."""
    print_line(f"\n{'read':44} {'rows':>8} {'calls':>6} {'kB':>9} {'RCU':>8}")
    for reading in readings.single:
        print_line(
            f"{reading.name:44} {reading.rows:8,} {reading.calls:6} "
            f"{reading.kilobytes:9,.1f} {reading.capacity:8,.1f}"
        )
    for page, capacity in readings.without_counts.items():
        print_line(
            f"{f'page {page:,} of 100, nothing counted':44} {'':8} {'':6} {'':9} {capacity:8,.1f}"
        )
    print_line(
        f"\nFrom the first page to the last, with {reads.UNCOUNTED_ROWS} rows not counted yet"
    )
    for per_page, pages in readings.spread.items():
        capacities = [reading.capacity for reading in pages[1:]]
        print_line(
            f"{len(capacities)} pages of {per_page}: {min(capacities):.1f} to {max(capacities):.1f}"
            f" RCU, at most {readings.max_ratio(per_page):.1f} times page 1"
        )


def write_comparison_chart(
    name: str, title: str, comparisons: Sequence[Comparison], decimals: int
) -> None:
    """Writes a chart of the medians."""
    groups = []
    for compared in comparisons:
        baseline, ours = (spread.median * 1000 for spread in compared.spreads)
        ratio = f"{ours:.{decimals}f}, 1/{compared.ratio.median:.1f}"
        groups.append(Bars(compared.name, (baseline, ours), (f"{baseline:.{decimals}f}", ratio)))
    write_chart(name, chart(title, ("baseline", "this service"), groups))


def write_chart(name: str, svg: str) -> None:
    """Writes a chart as an SVG file."""
    (CHARTS_FOLDER / f"{name}.svg").write_text(svg, "utf-8")


def zipped_size(folder: Path) -> int:
    """Returns the bytes of a folder as a deployment zips it."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return len(packed.getvalue())


def print_line(text: str) -> None:
    """Prints a line, without buffering."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
