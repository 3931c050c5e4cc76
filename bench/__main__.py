"""`make bench`: Headwater beside moto and MiniStack, in ratios of one run.

The programs run at the same time and are measured in turn, several rounds of it, so that what the machine does otherwise hits
all of them; the median of the rounds is printed. Writes are durable (Headwater's default) and signatures are checked.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench.latency import Latency
from bench.latency import measure as measure_latency
from bench.load import Load, Outcome
from bench.policies import WANTED_US, Cost
from bench.policies import measure as measure_decisions
from bench.targets import BARE as BARE_TARGET
from bench.targets import CACHE, HEADWATER, PEER_TARGETS, ROOT, Running, Target, install_peers
from bench.workloads import BARE, WORKLOADS, Account, Workload, first_request

CONNECTIONS = (1, 16)
ROUNDS = 3
STARTS = 9
SETTLE_S = 1.0
REFERENCE = "ministack"
OWN = "headwater"
console = Console(width=None if sys.stdout.isatty() else 120)


@dataclass
class Findings:
    """Everything measured, by program."""

    cold_start_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    idle_mib: dict[str, float] = field(default_factory=dict)
    rates: dict[tuple[str, int], dict[str, list[Outcome]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    latency: Latency | None = None
    decisions: list[Cost] = field(default_factory=list)
    absent: dict[tuple[str, str], str] = field(default_factory=dict)

    def rate(self, workload: str, connections: int, program: str) -> float:
        outcomes = self.rates[workload, connections][program]
        return statistics.median(outcome.rate for outcome in outcomes) if outcomes else 0.0

    def ratio(self, workload: str, connections: int, program: str) -> float | None:
        """The median of each round's ratio to the same round of MiniStack."""
        pairs = zip(self.rates[workload, connections][program], self.rates[workload, connections][REFERENCE], strict=False)
        ratios = [ours.rate / theirs.rate for ours, theirs in pairs if theirs.rate]
        return statistics.median(ratios) if ratios else None

    def start_ratio(self) -> float | None:
        """The median of each turn's ratio of starts to MiniStack's."""
        pairs = zip(self.cold_start_s[OWN], self.cold_start_s[REFERENCE], strict=False)
        ratios = [ours / theirs for ours, theirs in pairs]
        return statistics.median(ratios) if ratios else None

    def as_json(self) -> dict[str, object]:
        return {
            "machine": {"cpus": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()},
            "cold_start_s": self.cold_start_s,
            "idle_mib": self.idle_mib,
            "row_to_queryable_s": self.latency.rows_s if self.latency else None,
            "policy_decision_us": {cost.question: cost.median_us for cost in self.decisions},
            "rates": [
                {
                    "workload": workload,
                    "connections": connections,
                    "program": program,
                    "per_second": self.rate(workload, connections, program),
                    "ratio_to_ministack": self.ratio(workload, connections, program),
                    "p50_ms": statistics.median(outcome.p50_ms for outcome in outcomes),
                    "p99_ms": statistics.median(outcome.p99_ms for outcome in outcomes),
                }
                for (workload, connections), programs in self.rates.items()
                for program, outcomes in programs.items()
                if outcomes
            ],
            "absent": {f"{workload} on {program}": why for (workload, program), why in self.absent.items()},
        }


def measure_starts(targets: list[Target], findings: Findings) -> None:
    """Fresh processes, in turn: seconds to the first answer, and what the process weighs a moment later."""
    for turn in range(STARTS):
        for target in targets:
            running = target.start()
            try:
                findings.cold_start_s[target.name].append(running.first_answer_s(first_request(running.endpoint_url)))
                if turn == 0:
                    time.sleep(SETTLE_S)
                    findings.idle_mib[target.name] = running.memory_mib()
            finally:
                running.stop()


class Bench:
    """The programs while they run, and their accounts."""

    def __init__(self, findings: Findings, seconds: float) -> None:
        self._findings = findings
        self._seconds = seconds
        self._accounts: dict[str, Account] = {}
        self._running: dict[str, Running] = {}

    def add(self, running: Running) -> None:
        name = running.target.name
        running.first_answer_s(first_request(running.endpoint_url))
        account = Account(running.endpoint_url, issued=name in {OWN, BARE_TARGET.name})
        if name == OWN and not account.issued:
            console.print("Headwater did not issue a key: requests are signed by test/test, [red]whose signature is not checked[/red].")
        self._running[name] = running
        self._accounts[name] = account

    def measure(self, workload: Workload, names: list[str]) -> None:
        requests: dict[str, list[bytes]] = {}
        for name in names:
            try:
                workload.prepare(self._accounts[name])
                requests[name] = workload.requests(self._accounts[name])
            except Exception as error:  # noqa: BLE001 - whatever a program cannot do is a finding
                self._findings.absent[workload.name, name] = f"{type(error).__name__}: {error}"[:300]
        for connections in CONNECTIONS:
            for _ in range(ROUNDS):
                for name in list(requests):
                    outcome = replay(Load(self._running[name].port, requests[name], connections, self._seconds / ROUNDS))
                    if outcome.refusals > outcome.answers:
                        self._findings.absent[workload.name, name] = outcome.refusal
                        del requests[name]
                        continue
                    self._findings.rates[workload.name, connections][name].append(outcome)


def row_to_queryable(findings: Findings) -> None:
    running = HEADWATER.start()
    try:
        findings.latency = measure_latency(running)
    except Exception as error:  # noqa: BLE001 - the other figures stand, and this one says why it does not
        findings.absent["row to queryable", OWN] = f"{type(error).__name__}: {error}"[:300]
    finally:
        running.stop()


def replay(load: Load) -> Outcome:
    """Run the load in a process of its own."""
    finished = subprocess.run(
        [sys.executable, Path(__file__).with_name("load.py")], input=msgspec.msgpack.encode(load), stdout=subprocess.PIPE, check=True
    )
    return msgspec.msgpack.decode(finished.stdout, type=Outcome)


def show(findings: Findings, workloads: list[Workload], names: list[str]) -> None:
    if findings.cold_start_s:
        table = Table("start and memory", *[f"{name}" for name in names], "headwater / ministack", title="A fresh process")
        starts = {name: statistics.median(found) for name, found in findings.cold_start_s.items()}
        ratio, weights = findings.start_ratio(), findings.idle_mib
        table.add_row("to the first answer", *[f"{starts[name]:.3f} s" for name in names], "-" if ratio is None else f"{ratio:.2f}")
        heavier = f"{weights[OWN] / weights[REFERENCE]:.2f}" if REFERENCE in weights else "-"
        table.add_row("idle memory", *[f"{weights[name]:.0f} MiB" for name in names], heavier)
        console.print(table)
    if workloads:
        console.print(rates_table(findings, workloads, names))
    if findings.latency is not None:
        slowest, insert_s = max(findings.latency.rows_s), statistics.median(findings.latency.insert_s)
        console.print(
            f"A row is queryable {findings.latency.median_s * 1000:.0f} ms after its INSERT (slowest {slowest * 1000:.0f} ms);"
            f" the INSERT itself, trigger and journal included, takes {insert_s * 1000:.1f} ms."
        )
    if findings.decisions:
        console.print(decisions_table(findings.decisions))
    for (workload_name, program), why in findings.absent.items():
        console.print(f"[dim]{program} has no figure for {workload_name}: {why}[/dim]", markup=True, highlight=False)


def rates_table(findings: Findings, workloads: list[Workload], names: list[str]) -> Table:
    table = Table(
        title="Answers a second", caption="ratios are to MiniStack in the same rounds; wanted is the least the house asks of itself"
    )
    for column in ("operation", "conns", *names, "ratio", "wanted", "p50", "p99"):
        table.add_column(column, justify="left" if column == "operation" else "right")
    for workload in workloads:
        for place, connections in enumerate(CONNECTIONS):
            own = BARE_TARGET.name if workload in BARE else OWN
            outcomes = findings.rates[workload.name, connections][own]
            if not outcomes:
                table.add_row(workload.name, str(connections), *[_rate(findings, workload.name, connections, name) for name in names])
                continue
            rates = [f"{findings.rate(workload.name, connections, own if name == OWN else name):,.0f}" for name in names]
            rates = ["-" if rate == "0" else rate for rate in rates]
            ratio, least = findings.ratio(workload.name, connections, own), workload.least[place]
            mark = "-" if ratio is None else f"{ratio:.1f}" if ratio >= least else f"[red]{ratio:.1f}[/red]"
            p50, p99 = (statistics.median(getattr(outcome, part) for outcome in outcomes) for part in ("p50_ms", "p99_ms"))
            table.add_row(workload.name, str(connections), *rates, mark, f"{least:g}" if least else "", f"{p50:.2f} ms", f"{p99:.2f} ms")
    return table


def decisions_table(costs: list[Cost]) -> Table:
    table = Table("policy decision", "median", "p99", "wanted", title="A user with 10 policies of 5 statements")
    for cost in costs:
        median = f"{cost.median_us:.1f} µs"
        marked = median if cost.median_us <= WANTED_US else f"[red]{median}[/red]"
        table.add_row(cost.question, marked, f"{cost.p99_us:.1f} µs", f"{WANTED_US:g} µs")
    return table


def _rate(findings: Findings, workload: str, connections: int, name: str) -> str:
    rate = findings.rate(workload, connections, name)
    return f"{rate:,.0f}" if rate else "-"


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    known = [*BARE, *WORKLOADS]
    options.add_argument(
        "--only",
        action="append",
        choices=["start", "row", "decision", *[workload.name for workload in known]],
        help="one part; may be repeated",
    )
    options.add_argument("--seconds", type=float, default=3.0, help="for each program, operation and number of connections")
    options.add_argument("--alone", action="store_true", help="Headwater without the others")
    options.add_argument("--json", type=Path, default=CACHE / "bench.json", help="where the figures are written as JSON")
    asked = options.parse_args()
    chosen = [workload for workload in known if asked.only is None or workload.name in asked.only]
    targets = [HEADWATER] if asked.alone else [HEADWATER, *PEER_TARGETS]
    names = [target.name for target in targets]
    if not asked.alone and asked.only != ["decision"]:
        install_peers(console.print)
    findings = Findings()
    if asked.only is None or "start" in asked.only:
        console.print(f"Starting each program {STARTS} times ...")
        measure_starts(targets, findings)
    with ExitStack() as stack:
        bench = Bench(findings, asked.seconds)
        for target in [*targets, *([BARE_TARGET] if any(workload in chosen for workload in BARE) else [])] if chosen else []:
            running = target.start()
            stack.callback(running.stop)
            bench.add(running)
        for workload in chosen:
            console.print(f"{workload.name}: {workload.what} ...")
            bench.measure(workload, [BARE_TARGET.name] if workload in BARE else names)
    if asked.only is None or "row" in asked.only:
        console.print("row: INSERT in MariaDB until Redshift counts it, as in the demonstration but with no buffering time in Firehose ...")
        row_to_queryable(findings)
    if asked.only is None or "decision" in asked.only:
        console.print("policy decision: the policy engine alone, without a server ...")
        findings.decisions = measure_decisions()
    console.print()
    show(findings, chosen, names)
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(findings.as_json(), indent=1))
    console.print(f"The figures as JSON: {asked.json.relative_to(ROOT) if asked.json.is_relative_to(ROOT) else asked.json}")


if __name__ == "__main__":
    main()
