"""Instructions and allocations that a request takes in the hub, counted by callgrind: figures that other programs
on the machine do not change, to compare two states of the code by.

    python3 -B scripts/bench.d/instructions.py                 builds, counts, prints a table (a few minutes)
    python3 -B scripts/bench.d/instructions.py --case '1k*' --profiles DIR

With `--profiles` the profiles stay, for `callgrind_annotate --inclusive=yes`. docs/benchmarks.md says what is
counted. Needs valgrind.
"""

import argparse
import fnmatch
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import hub
import main as bench
import measure
import processes

CHUNKS = 50
# What a request leaves behind is in the database by then, under valgrind too.
SETTLED = 3
ALLOCATES = re.compile(r"^(mi_(heap_)?(malloc|zalloc|calloc|realloc)\w*|malloc|calloc|realloc)$")
WITH_LIMITS = {
    "rpm_limit": 1_000_000,
    "limit_5h_usd": "1000000",
    "limit_daily_usd": "1000000",
    "limit_weekly_usd": "1000000",
    "limit_monthly_usd": "1000000",
    "limit_total_usd": "1000000",
}
# With names for debuggers, and built in a third of the time of a release.
PROFILE = {
    "CARGO_PROFILE_RELEASE_DEBUG": "line-tables-only",
    "CARGO_PROFILE_RELEASE_STRIP": "none",
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
}


@dataclass(frozen=True)
class Setup:
    """One hub to count in."""

    name: str
    env: dict = field(default_factory=dict)
    limits: dict = field(default_factory=dict)


def setups():
    stream = {"chunks": CHUNKS, "chunk_ms": 0}
    off = Setup("off", {"ENABLE_RATE_LIMIT": "false"})
    on = Setup("on", limits=WITH_LIMITS)
    return [
        (off, measure.Case("1k", "1 KB, limits off", 1, 1000)),
        (on, measure.Case("1k-limits", "1 KB, limits of key and user", 1, 1000)),
        (on, measure.Case("stream", f"1 KB, stream of {CHUNKS} chunks, limits", 1, 1000, True, stream)),
        (on, measure.Case("100k", "100 KB, limits", 1, 100_000)),
    ]


def arguments():
    parser = argparse.ArgumentParser(prog="instructions.py", description="Counts what a request takes in the hub.")
    parser.add_argument("--requests", type=int, default=200, help="requests counted for each figure (200)")
    parser.add_argument("--case", action="append", metavar="PATTERN", help="only these; may be repeated")
    parser.add_argument("--profiles", type=Path, metavar="DIR", help="keep the profiles there")
    parser.add_argument("--no-build", action="store_true", help="the binaries that are there")
    return parser.parse_args()


class Counter:
    """A hub under callgrind. Each dump holds what has been executed since the one before."""

    def __init__(self, server, directory):
        self.pid, self.directory = server.process.pid, directory

    def dump(self, name):
        before = set(self.directory.glob("callgrind.out.*"))
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["callgrind_control", "-d", str(self.pid)], check=True, **quiet)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            fresh = set(self.directory.glob("callgrind.out.*")) - before
            for file in fresh:
                if "totals:" in file.read_text()[-200:]:
                    return file.rename(self.directory / f"{name}.callgrind")
            time.sleep(0.05)
        raise SystemExit("callgrind wrote no profile")


def read(profile):
    """Instructions but for SHA-256, those of SQLite among them, and calls of the allocator in a profile."""
    files, functions = {}, {}
    instructions = database = allocations = hashing = 0
    file = caller = callee = ""
    is_call = False

    def name(names, text):
        # Written once; later lines have the number only.
        number, _, written = text.partition(" ")
        return names.setdefault(number, written)

    for line in profile.read_text().splitlines():
        key, _, value = line.partition("=")
        if key in ("fl", "fi", "fe"):
            file = name(files, value)
        elif key in ("cfl", "cfi"):
            name(files, value)
        elif key == "fn":
            caller = name(functions, value)
        elif key == "cfn":
            callee = name(functions, value)
        elif key == "calls":
            is_call = True
            if ALLOCATES.match(callee) and not ALLOCATES.match(caller):
                allocations += int(value.split()[0])
        elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
            # The line behind `calls=` holds what the call took.
            own = 0 if is_call else int(line.split()[1])
            database += own if file.endswith("sqlite3.c") else 0
            # Processors have instructions for it that valgrind does not know.
            hashing += own if caller.startswith("sha2::") else 0
            is_call = False
        elif line.startswith("totals:"):
            instructions = int(line.split()[1])
    return instructions - hashing, database, allocations


def count(counter, lab_binary, lab, server, key, case, requests):
    """What one request takes: what many take, less what the hub does in the same time by itself."""
    hub.script_lab(lab.url, case.behaviour)
    measure.load(lab_binary, server.url, key, case, requests=30, chunks=CHUNKS)
    time.sleep(SETTLED)
    counter.dump(f"{case.name}.before")
    idle_from = time.monotonic()
    time.sleep(SETTLED)
    idle = read(counter.dump(f"{case.name}.idle"))
    busy_from = time.monotonic()
    measure.load(lab_binary, server.url, key, case, requests=requests, chunks=CHUNKS)
    time.sleep(SETTLED)
    busy = read(counter.dump(case.name))
    share = (time.monotonic() - busy_from) / (busy_from - idle_from)
    return [(one - share * other) / requests for one, other in zip(busy, idle)]


def count_all(chosen, scratch):
    hub_binary, lab_binary = bench.binaries(not chosen.no_build)
    token = secrets.token_hex(32)
    lab = processes.start_lab(lab_binary)
    hubs, rows = {}, []
    for setup, case in setups():
        if chosen.case and not any(fnmatch.fnmatch(case.name, pattern) for pattern in chosen.case):
            continue
        if setup.name not in hubs:
            directory = (chosen.profiles or scratch) / setup.name
            directory.mkdir(parents=True, exist_ok=True)
            under = ["valgrind", "--quiet", "--tool=callgrind"]
            under += [f"--callgrind-out-file={directory}/callgrind.out", "--fair-sched=yes"]
            command = [*under, str(hub_binary)]
            server = processes.start_hub(command, scratch / f"hub-{setup.name}", "hub", "warn", token, setup.env)
            key = hub.seed(server.url, token, lab.url, setup.limits)
            hubs[setup.name] = (Counter(server, directory), server, key)
        counter, server, key = hubs[setup.name]
        figures = count(counter, lab_binary, lab, server, key, case, chosen.requests)
        rows.append(f"| {case.title} | " + " | ".join(f"{figure:,.0f}" for figure in figures) + " |")
        bench.say(rows[-1])
    for _, server, _ in hubs.values():
        hub.check_records(server.url, token)
    return rows


def main():
    chosen = arguments()
    os.environ.update(PROFILE)
    with tempfile.TemporaryDirectory(prefix="hub-count-") as scratch:
        try:
            rows = count_all(chosen, Path(scratch))
        finally:
            for server in reversed(processes.Server.started):
                server.end()
    print("\n".join(["| request | instructions | of SQLite | allocations |", "| --- | --: | --: | --: |", *rows]))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
