"""What the service costs: the document is what the tool prints, and its figures have sources."""

import ast
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from benchmarks import sizing
from tests.docs.extraction import ROOT, document
from tools.costs.__main__ import report
from tools.costs.data import Measured, Prices
from tools.costs.lines import MIXES, Calculator
from tools.costs.stack import StackCounts, documented_metrics
from tools.costs.tables import Line, Table
from tools.deploy.environment import read_environment

PERFORMANCE: Final = (ROOT / "docs" / "performance.md").read_text("utf-8")
REPORT: Final = list(report())
MEASURED: Final = Measured.read()
PRICES: Final = Prices.read()
STACK: Final = StackCounts.of_parameters({})


def measured_line(name: str) -> list[float]:
    """Returns the numbers of a line of docs/performance.md, without what is in parentheses."""
    (line,) = re.findall(rf"^{re.escape(name)} {{2,}}(.+)$", PERFORMANCE, re.MULTILINE)
    numbers = re.sub(r"\([^)]*\)", "", line).replace(",", "").replace("x", "").split()
    return [float(number) for number in numbers if number != "-"]


def test_the_document_has_what_the_tool_prints() -> None:
    (block,) = document("docs/costs.md").blocks
    assert block.text.splitlines() == REPORT, "run make costs, and put its output in docs/costs.md"


def test_printed_sums_are_sums_of_what_is_printed() -> None:
    """Of each column of each table."""
    columns: list[list[Decimal]] = []
    sums = 0
    for line in REPORT:
        amounts = [Decimal(text.replace(",", "")) for text in re.findall(r" (-?[\d,]+\.\d+)", line)]
        if not line:
            columns = []
        elif line.startswith("sum "):
            assert amounts == [sum(column) for column in zip(*columns, strict=True)]
            sums += 1
        elif amounts:
            columns.append(amounts)
    assert sums == len([line for line in REPORT if line.startswith("sum ")]) == 7


def test_a_line_without_dollars_is_not_printed() -> None:
    table = Table("month", ["dev", "prod"], [Line("cache", [0, 0]), Line("alarms", [0, 1.005])])
    assert [line.split() for line in table.text()] == [
        ["month", "dev", "prod"],
        ["alarms", "0.00", "1.00"],
        ["sum", "0.00", "1.00"],
    ]


def test_prices_are_those_of_the_benchmarks() -> None:
    """They compute what memory sizes cost."""
    units = PRICES.units
    assert units["lambda_gb_second"] == sizing.PRICE_PER_GB_SECOND
    assert units["lambda_invocation"] * 1e6 == pytest.approx(sizing.PRICE_PER_MILLION_INVOCATIONS)
    assert units["read_unit"] * 1e6 == pytest.approx(sizing.PRICE_PER_MILLION_READ_UNITS)
    assert PRICES.cache_hours["0.5"] == sizing.PRICE_PER_CACHE_HOUR


def test_each_price_says_where_it_is_from() -> None:
    """And of what it is the price."""
    text = (ROOT / "tools" / "costs" / "prices.toml").read_text("utf-8")
    assert text.count("\nsource = ") == text.count("\nof = ") == len(PRICES.units)


def test_prices_that_only_the_document_names_are_right_there() -> None:
    text = " ".join(document("docs/costs.md").prose.split())
    units = PRICES.units
    assert (
        f"${units['stored_gb']:.2f} a GB and month, their backups ${units['backup_gb']:.2f}" in text
    )
    assert f"Stored logs cost ${units['stored_log_byte'] * 1e9:.2f} a GB and month" in text
    restores = 1000 * STACK.gigabytes * units["restored_gb"]
    assert f"cost ${restores:.2f} for a thousand restored environments" in text


@pytest.mark.parametrize("rows", [20, 100])
def test_figures_of_pages_are_those_of_the_benchmarks(rows: int) -> None:
    """Half of the rows are chats, half are media."""
    page = MEASURED.answers[f"page_of_{rows}"]
    cpu = [measured_line(f"{rows} {kind}")[1] for kind in ("chats", "media")]
    assert page.cpu_ms == pytest.approx(sum(cpu) / 2)
    assert page.wait_ms == sizing.LISTING_WAIT_MS
    assert page.read_units == measured_line(f"page 1 of {rows}")[-1]


def test_other_figures_are_those_of_the_benchmarks() -> None:
    authorizer, summary = MEASURED.authorizer, MEASURED.answers["summary"]
    assert f"{authorizer.cpu_ms} (" in re.findall(r"^authorizer .*$", PERFORMANCE, re.MULTILINE)[-1]
    assert authorizer.wait_ms == sizing.AUTHORIZER_WAIT_MS
    assert authorizer.read_units == sizing.AUTHORIZER_READ_UNITS
    *_, read_units, _, _, cpu, _ = measured_line("30 days by type")
    assert (summary.read_units, summary.cpu_ms) == (read_units, cpu)
    seconds, rows, _, rollups, written = measured_line("rows as they come")
    assert MEASURED.counting.read_units == rows + rollups
    assert (MEASURED.counting.write_units, MEASURED.counting.seconds) == (written, seconds)
    _, megabytes, export_seconds, *_ = measured_line("csv")
    assert (MEASURED.export.megabytes, MEASURED.export.seconds) == (megabytes, export_seconds)
    assert f"about {MEASURED.export.read_units:,} units" in " ".join(PERFORMANCE.split())
    assert MEASURED.event.cpu_ms == measured_line("late rows of ten writers")[1]


def test_each_mix_is_of_whole_requests() -> None:
    for mix in MIXES:
        assert sum(mix.shares.values()) == pytest.approx(1)
        assert mix.shares.keys() <= MEASURED.answers.keys()


def test_each_cost_appears_when_it_is_switched_on() -> None:
    """The web ACL by the request and by the month, traces by their rate, the access log."""
    calculator = Calculator(PRICES, MEASURED)

    def costs(table: Table) -> dict[str, float]:
        return {line.name: line.dollars[0] for line in table.lines}

    with_acl = replace(STACK, web_acls=1, web_acl_rules=3)
    assert costs(calculator.month({"a": with_acl}))["web ACL"] == 8
    assert costs(calculator.requests("a", with_acl))["web ACL"] == pytest.approx(0.6)
    assert costs(calculator.requests("a", replace(STACK, trace_rate=1)))["traces"] == 5
    logs = costs(calculator.requests("a", STACK))["logs"]
    without = costs(calculator.requests("a", replace(STACK, has_access_log=False)))["logs"]
    assert f"${logs - without:.2f}" == "$0.22"
    composite = replace(STACK, composite_alarms=2)
    assert costs(calculator.month({"a": composite}))["composite alarms"] == 1


def test_an_alarm_on_several_metrics_is_billed_for_each() -> None:
    """Expressions are not billed. The template is counted with all of its alarms."""
    text = (ROOT / "template.yaml").read_text("utf-8")
    simple = len(re.findall(r"^      MetricName: ", text, re.MULTILINE))
    stats = len(re.findall(r"^ +MetricStat:", text, re.MULTILINE))
    assert text.count("Metrics: *refused") == 1, "two alarms watch the same three metrics"
    all_metrics = simple + stats + 3
    with_checks = StackCounts.of_parameters({"ChecksEnabled": "true"})
    with_both = StackCounts.of_parameters({"ChecksEnabled": "true", "WebAclEnabled": "true"})
    assert with_both.alarm_metrics == all_metrics
    assert with_checks.alarm_metrics == all_metrics - 1, "BlockedAddressesAlarm is off"
    assert STACK.alarm_metrics == all_metrics - 3, "the alarms on checks are off, too"
    assert with_checks.metrics == STACK.metrics + 3
    assert with_checks.checks_a_month == 8_760


def test_what_the_checks_add_to_a_month_is_in_their_own_table() -> None:
    """And nowhere else: their metrics and what their alarms watch are not billed twice."""
    calculator = Calculator(PRICES, MEASURED)
    stacks = {
        name: StackCounts.of_parameters({"ChecksEnabled": name}) for name in ("false", "true")
    }
    checks = calculator.checks(stacks["true"])
    without, with_checks = calculator.traffic_month(stacks).sums()
    assert with_checks - without == checks.sums()[0]
    dollars = {line.name: line.dollars[0] for line in checks.lines}
    added = stacks["true"].metrics - stacks["false"].metrics
    assert dollars["custom metrics"] == pytest.approx(0.30 * added)
    watched = stacks["true"].alarm_metrics - stacks["false"].alarm_metrics
    assert dollars["alarms"] == pytest.approx(0.10 * watched)
    assert dollars["KMS"] == pytest.approx(8_760 * 0.03 / 10_000)


def test_metrics_are_listed_for_each_function_whose_code_names_them() -> None:
    """So that counting them in the document misses none."""
    listed = {(name, service) for name, services in documented_metrics() for service in services}
    known = {name for name, _ in listed}
    for path in sorted((ROOT / "functions").glob("*/app.py")):
        named = {
            node.value
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Constant) and node.value in known
        }
        assert {(name, path.parent.name) for name in named} <= listed


def test_environments_differ_as_samconfig_says() -> None:
    dev, prod = (
        StackCounts.of_parameters(read_environment(name).parameters) for name in ("dev", "prod")
    )
    assert (dev.cache_size, prod.cache_size) == (None, "0.5")
    assert dev.snapshot_gigabytes == 0
    assert prod.snapshot_gigabytes == pytest.approx(3 * 1769 / 1024)


def test_the_tool_needs_no_network_and_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """It prints the same wherever it runs."""
    monkeypatch.chdir(Path("/"))
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    assert list(report()) == REPORT
