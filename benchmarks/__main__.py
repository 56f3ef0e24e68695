"""``make bench``: measures everything that docs/performance.md quotes, and draws its pictures."""

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
from local.errors import StartError

PICTURES: Final = ROOT / "docs" / "performance"
FEWEST_ROWS: Final = 10_000
"""In fewer there is no page that is far down."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmarks; the exit code is 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="rows to read from (100,000)")
    options = parser.parse_args(arguments)
    if options.rows < FEWEST_ROWS:
        parser.error(f"pages far down take {FEWEST_ROWS:,} rows at least")
    prepare_baseline()
    try:
        say(
            f"On {describe_machine()}."
            " CPU in milliseconds: median (least to greatest) of the rounds."
        )
        layer_size = zipped_size(BUILD_FOLDER / "DependenciesLayer")
        say(f"\nDependency layer: {layer_size / 1e6:.2f} MB zipped")
        leave_a_core()
        with running_deployment() as deployment:
            tell_spreads("The floor of a cold start", cold_start.floor())
            cold = cold_start.measure(deployment)
            tell("Cold start, to the first answer", cold)
            tell_spreads(
                "From a snapshot, to the first answer", cold_start.after_restore(deployment)
            )
            tell_spreads("The floor of a warm request", warm.floor(deployment))
            hot = warm.measure(deployment)
            tell("Warm, one request", hot)
            tell_share(*hot)
        readings = reads.measure(options.rows, say)
    except StartError as error:
        sys.exit(f"{error}. The benchmarks need it.")
    tell_readings(readings)
    say("\nWhat memory sizes cost; milliseconds are of CPU")
    for line in sizing.table(sizing.Need.of(cold, hot), readings.first_pages()):
        say(line)
    PICTURES.mkdir(exist_ok=True)
    draw("cold", "CPU from a process's start to its first answer, ms", cold, 0)
    draw("warm", "CPU of one request, ms", hot, 1)
    title = f"Read units of pages of 100 rows in a workspace of {options.rows:,}"
    paint("depth", chart(title, ("all read", "found by counts"), list(readings.bars())))
    missed = [c.name for c in (*cold, *hot) if c.target and c.ratio.middle < c.target]
    if readings.worst(100) > reads.BOUND:
        missed.append(f"pages of 100, which have to take at most {reads.BOUND} times page 1")
    if missed:
        say(f"\nBelow the target: {', '.join(missed)}")
    return 1 if missed else 0


def tell(title: str, comparisons: Sequence[Comparison]) -> None:
    """Prints comparisons as a table."""
    say(f"\n{title:32} {'baseline':>22} {'ours':>22} {'ratio':>22}  target")
    for compared in comparisons:
        baseline, ours = compared.spreads
        target = f"{compared.target:6.1f}" if compared.target else "     -"
        say(
            f"{compared.name:32} {baseline.shown(1, 1000):>22} {ours.shown(1, 1000):>22}"
            f" {compared.ratio.shown(2):>22}  {target}"
        )


def tell_spreads(title: str, spreads: Mapping[str, Spread]) -> None:
    """Prints figures that have nothing to be compared with."""
    say(f"\n{title:55} {'ours':>22}")
    for name, spread in spreads.items():
        say(f"{name:55} {spread.shown(1, 1000):>22}")


def tell_share(*comparisons: Comparison) -> None:
    """Prints what part of a request's CPU is the authorizer's, which comes last."""
    *listings, authorizer = (compared.spreads[1].middle for compared in comparisons)
    shares = ", ".join(
        f"{authorizer / (authorizer + ours):.0%} with {compared.name}"
        for compared, ours in zip(comparisons, listings, strict=False)
    )
    say(f"The authorizer's share of a request: {shares}")


def tell_readings(readings: reads.Readings) -> None:
    """Prints what answers read."""
    say(f"\n{'read':44} {'rows':>8} {'calls':>6} {'kB':>9} {'RCU':>8}")
    for found in readings.single:
        say(
            f"{found.name:44} {found.rows:8,} {found.calls:6} "
            f"{found.kilobytes:9,.1f} {found.capacity:8,.1f}"
        )
    for page, capacity in readings.unaided.items():
        say(f"{f'page {page:,} of 100, nothing counted':44} {'':8} {'':6} {'':9} {capacity:8,.1f}")
    say(f"\nFrom the first page to the last, with {reads.NOT_COUNTED} rows not counted yet")
    for per_page, pages in readings.anywhere.items():
        capacities = [found.capacity for found in pages[1:]]
        say(
            f"{len(capacities)} pages of {per_page}: {min(capacities):.1f} to {max(capacities):.1f}"
            f" RCU, at most {readings.worst(per_page):.1f} times page 1"
        )


def draw(name: str, title: str, comparisons: Sequence[Comparison], decimals: int) -> None:
    """Writes a picture of the medians."""
    groups = []
    for compared in comparisons:
        baseline, ours = (spread.middle * 1000 for spread in compared.spreads)
        ratio = f"{ours:.{decimals}f}, 1/{compared.ratio.middle:.1f}"
        groups.append(Bars(compared.name, (baseline, ours), (f"{baseline:.{decimals}f}", ratio)))
    paint(name, chart(title, ("baseline", "this service"), groups))


def paint(name: str, picture: str) -> None:
    """Writes a picture."""
    (PICTURES / f"{name}.svg").write_text(picture, "utf-8")


def zipped_size(folder: Path) -> int:
    """The bytes of a folder as a deployment packs it."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return len(packed.getvalue())


def say(text: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
