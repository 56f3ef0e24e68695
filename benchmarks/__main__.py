"""The command behind ``make bench``: measures docs/performance.md's figures, draws its charts."""

import argparse
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from benchmarks import (
    cold_start,
    counting,
    exports,
    far_pages,
    imports,
    reads,
    sizing,
    store_figures,
    summaries,
    warm,
)
from benchmarks.chart import Bars, chart
from benchmarks.deployment import running_deployment
from benchmarks.figures import Comparison, Spread
from benchmarks.packages import BUILD_FOLDER, ROOT, describe_machine, prepare_baseline
from benchmarks.process import leaving_a_core
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
        with leaving_a_core(), running_deployment() as deployment:
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
        stored = store_figures.measure(options.rows, print_line)
        print_line(f"importing {options.rows:,} rows")
        imported = list(imports.measure(options.rows))
    except StartError as error:
        sys.exit(f"{error}. The benchmarks need it.")
    print_table("What requests read", reads.table(stored.readings))
    print_table("Pages far down, as multiples of page 1", far_pages.table(stored.far))
    print_table("Summaries, as multiples of a page of 100 rows", summaries.table(stored.summaries))
    print_table("What counting takes", counting.table(stored.costs))
    print_table("What exports take", exports.table(stored.exported))
    print_table("What imports take", imports.table(imported))
    print_comparisons("Recording, milliseconds for a row", [stored.late.comparison])
    print_line(f"Put back because of marks or counts: {stored.late.put_back}")
    print_table(
        "What memory sizes cost; milliseconds are of CPU",
        sizing.table(sizing.CpuNeed.of(cold, hot), stored.readings.first_page_capacities()),
    )
    CHARTS_FOLDER.mkdir(exist_ok=True)
    write_comparison_chart("cold", "CPU from a process's start to its first answer, ms", cold, 0)
    write_comparison_chart("warm", "CPU of one request, ms", hot, 1)
    title = f"Read units of pages of 100 rows in a workspace of {options.rows:,}"
    write_chart(
        "depth", chart(title, ("all read", "found by counts"), list(stored.readings.bars()))
    )
    compared = (*cold, *hot, stored.late.comparison)
    missed = [c.name for c in compared if c.target and c.ratio.median < c.target]
    missed += far_pages.missed_targets(stored.far)
    missed += exports.missed_targets(stored.exported)
    missed += imports.missed_targets(imported)
    missed += summaries.missed_targets(stored.summaries)
    if missed:
        print_line(f"\nBeyond the target: {', '.join(missed)}")
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


def print_table(title: str, lines: Iterable[str]) -> None:
    """Prints a table below its title."""
    print_line(f"\n{title}")
    for line in lines:
        print_line(line)


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
