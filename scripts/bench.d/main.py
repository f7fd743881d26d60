"""Runs the benchmark; `scripts/bench` is how to call it, docs/benchmarks.md says what the figures mean."""

import argparse
import fnmatch
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hub
import measure
import processes
import report

ROOT = Path(__file__).resolve().parents[2]
# The case that is also run with the log of every request.
INFO_CASE = "1k-c32"


def say(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="The hub beside nginx, in front of the same simulated provider."
    )
    parser.add_argument("--rounds", type=int, default=5, help="runs per figure; their median counts (5)")
    parser.add_argument("--seconds", type=int, default=2, help="length of a run (2)")
    parser.add_argument("--quick", action="store_true", help="one round of one second: a look, not a figure")
    names = ", ".join(case.name for case in measure.cases())
    parser.add_argument(
        "--case", action="append", metavar="PATTERN", help=f"only these cases; may be repeated ({names})"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures, run by run, to a file")
    parser.add_argument("--no-build", action="store_true", help="measure the binaries that are there")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds = chosen.seconds = 1
    if chosen.rounds < 1 or chosen.seconds < 1:
        parser.error("--rounds and --seconds are at least 1")
    return chosen


def binaries(build):
    """The paths of hub-server and hub-lab."""
    if build:
        say("Building hub-server and hub-lab")
        subprocess.run(
            ["cargo", "build", "--release", "-p", "hub-server", "-p", "hub-lab"],
            cwd=ROOT,
            check=True,
            stdout=sys.stderr,
        )
    metadata = subprocess.run(
        ["cargo", "metadata", "--no-deps", "--format-version", "1"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    release = Path(json.loads(metadata.stdout)["target_directory"]) / "release"
    return release / "hub-server", release / "hub-lab"


def machine():
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), "unknown")
    memory = next(
        int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line
    )
    return {"processors": os.cpu_count(), "model": model, "memory_gib": round(memory / 1024 / 1024)}


def run_case(case, targets, lab_binary, keys, rounds, seconds):
    """All rounds of a case, the targets in turn."""
    done = []
    order = ["direct", "nginx", "hub"] + (["hub_info"] if case.name == INFO_CASE else [])
    for target in order:
        # Warms connections to the simulated provider, caches and the allocator's arenas.
        measure.load(lab_binary, targets[target].url, keys[target], case, seconds=1)
    for number in range(rounds):
        one = {}
        # Neither proxy always comes after the other.
        for target in order if number % 2 == 0 else [order[0], *reversed(order[1:])]:
            one[target] = measure.run(lab_binary, targets[target], keys[target], case, seconds)
        done.append(one)
        say(
            f"{case.name} round {number + 1}/{rounds}: "
            + ", ".join(
                f"{target} {figures['rps']:,.0f}/s {figures['cpu_per_1000']:.3f} CPU s/1000"
                for target, figures in one.items()
            )
        )
    return done


def measure_all(chosen, scratch):
    hub_binary, lab_binary = binaries(not chosen.no_build)
    wanted = [
        case
        for case in measure.cases()
        if not chosen.case or any(fnmatch.fnmatch(case.name, pattern) for pattern in chosen.case)
    ]
    if not wanted:
        raise SystemExit("no case has such a name")
    token = secrets.token_hex(32)

    lab = processes.start_lab(lab_binary)
    nginx = processes.start_nginx(scratch / "nginx", lab.url, os.cpu_count())
    hubs = {"hub": "warn"}
    if any(case.name == INFO_CASE for case in wanted):
        hubs["hub_info"] = "info"
    targets = {"direct": lab, "nginx": nginx}
    keys = {"direct": "none", "nginx": "none"}
    for name, level in hubs.items():
        targets[name] = processes.start_hub([hub_binary], scratch / name, name, level, token)
        keys[name] = hub.seed(targets[name].url, token, lab.url)

    # Idle is after the first few requests, when everything that is made on first use is there.
    few = measure.Case("idle", "", 1, 1000)
    for target in ("nginx", "hub"):
        measure.load(lab_binary, targets[target].url, keys[target], few, requests=20)
        targets[target].settle()
    footprint = {
        "nginx_idle_rss": nginx.memory_bytes("VmRSS"),
        "hub_idle_rss": targets["hub"].memory_bytes("VmRSS"),
        "hub_binary": hub_binary.stat().st_size,
    }

    others = measure.MachineLoad(processes.Server.started)
    rows, raw = [], {}
    for case in wanted:
        hub.script_lab(lab.url, case.behaviour)
        rounds = run_case(case, targets, lab_binary, keys, chosen.rounds, chosen.seconds)
        raw[case.name] = rounds
        rows.append(report.summarise(case, rounds))
    for name in hubs:
        hub.check_records(targets[name].url, token)
    footprint["nginx_peak_rss"] = nginx.memory_bytes("VmHWM")
    footprint["hub_peak_rss"] = targets["hub"].memory_bytes("VmHWM")
    return {
        "rounds": chosen.rounds,
        "seconds": chosen.seconds,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine() | {"others_share": others.others_share()},
        "cases": rows,
        "footprint": footprint,
        "runs": raw,
    }


def main():
    chosen = arguments()
    # So that the servers are ended in these cases too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as scratch:
        # nginx's workers may run as another user and look for their directories in here.
        os.chmod(scratch, 0o755)
        try:
            result = measure_all(chosen, Path(scratch))
        finally:
            for server in reversed(processes.Server.started):
                server.end()
    print(report.markdown(result))
    if chosen.json:
        chosen.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
