"""Redis killed, frozen and slowed under two hundred requests a second: what callers notice, and when it is over.

    python3 -B scripts/bench.d/outages.py              builds release, measures, prints a table (five minutes)
    python3 -B scripts/bench.d/outages.py --no-build   the binaries that are there

docs/benchmarks.md says what the figures mean. Needs redis-server.
"""

import argparse
import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import flow
import hub
import main as bench
import processes

PER_SECOND = 200
WARM_UP, BEFORE, OUTAGE, AFTER = 3, 8, 8, 4
# After the hub knows that Redis is away, requests that began before may still be waiting.
SETTLED = 0.5
LATE_MS = 200
# Until sums must agree, in seconds.
PATIENCE = 30
BUDGETS = {"limit_daily_usd": "100000", "limit_total_usd": "100000", "rpm_limit": 1_000_000}
SESSIONS = {"limit_concurrent_sessions": 1000}


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share / 100))] * 1000 if values else float("nan")


def readiness(url):
    with urllib.request.urlopen(url + "/health/ready", timeout=10) as response:
        return json.loads(response.read())["redis"]


async def until_redis_is(url, word, since):
    """How many seconds after `since` the hub said so."""
    while time.monotonic() < since + PATIENCE:
        if await asyncio.to_thread(readiness, url) == word:
            return time.monotonic() - since
        await asyncio.sleep(0.02)
    raise SystemExit(f"the hub never said that Redis is {word}")


class Fault:
    """A Redis, a proxy before it where it is to be slow, and what goes wrong with it."""

    def __init__(self, kind, scratch):
        self.kind, self.directory = kind, scratch / "redis"
        self.port = processes.free_port()
        self.redis = processes.start_redis(self.directory, self.port)
        self.proxy = None
        if kind == "slowed":
            command = [sys.executable, "-B", str(Path(__file__).parent / "delay_proxy.py"), str(self.port)]
            self.proxy = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.port_asked = int(self.proxy.stdout.readline())
        else:
            self.port_asked = self.port

    def late(self, milliseconds):
        self.proxy.stdin.write(f"{milliseconds}\n".encode())
        self.proxy.stdin.flush()

    def begin(self):
        if self.kind == "killed":
            self.redis.process.kill()
            self.redis.process.wait()
        elif self.kind == "frozen":
            self.redis.process.send_signal(signal.SIGSTOP)
        else:
            self.late(LATE_MS)

    def end(self):
        if self.kind == "killed":
            self.redis = processes.start_redis(self.directory, self.port)
        elif self.kind == "frozen":
            self.redis.process.send_signal(signal.SIGCONT)
        else:
            self.late(0)

    def close(self):
        if self.proxy:
            self.proxy.stdin.close()
            self.proxy.wait()
        self.redis.process.send_signal(signal.SIGCONT)
        self.redis.end()


def sums(url, token):
    """What the ledger has, and what the limit on money says was used (none where nothing is counted)."""
    report = hub.call(url, "/api/v1/usage/summary", token)["items"]
    ledger = (report[0]["requests"], float(report[0]["cost_usd"])) if report else (0, 0.0)
    request = urllib.request.Request(
        url + "/api/v1/users/1/limits", headers={"authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            windows = json.loads(response.read())["windows"]
    except urllib.error.HTTPError:
        return ledger, None
    total = next((window for window in windows if window["limit_type"] == "usd_total"), None)
    return ledger, total and (float(total["used"]), float(total["reserved"]))


def sums_agree(url, token, sent, limited):
    """Seconds until ledger and limits know every request; or what they say instead."""
    begun = time.monotonic()
    while time.monotonic() < begun + PATIENCE:
        (requests, cost), used = sums(url, token)
        if requests == sent and (not limited or used == (cost, 0.0)):
            return "equal"
        time.sleep(0.1)
    return f"{requests} of {sent} in the ledger, {cost} $; limits say {used}"


async def go_through(fault, server, traffic):
    """The outage under load: marks of time."""
    stop, marks = asyncio.Event(), {}
    running = asyncio.create_task(traffic.run(stop))
    await asyncio.sleep(WARM_UP)
    marks["before"] = time.monotonic()
    await asyncio.sleep(BEFORE)
    marks["fault"] = time.monotonic()
    fault.begin()
    marks["known"] = marks["fault"] + await until_redis_is(server.url, "degraded", marks["fault"])
    await asyncio.sleep(max(0.0, marks["fault"] + OUTAGE - time.monotonic()))
    # Starting it takes its own time; it is back when it listens.
    await asyncio.to_thread(fault.end)
    marks["end"] = time.monotonic()
    marks["back"] = await until_redis_is(server.url, "up", marks["end"])
    await asyncio.sleep(AFTER)
    stop.set()
    await running
    return marks


def measure(kind, limited, binaries, lab, scratch):
    hub_binary, _ = binaries
    scratch.mkdir()
    token = secrets.token_hex(32)
    fault = Fault(kind, scratch)
    environment = {
        "REDIS_URL": f"redis://127.0.0.1:{fault.port_asked}",
        "ENABLE_RATE_LIMIT": str(limited).lower(),
    }
    server = processes.start_hub([hub_binary], scratch / "hub", "hub", "warn", token, environment)
    try:
        key = hub.seed(server.url, token, lab.url)
        patch(server.url, "/api/v1/users/1", token, BUDGETS | SESSIONS)
        time.sleep(1.5)
        traffic = flow.Flow(int(server.url.rsplit(":", 1)[1]), key, PER_SECOND)
        marks = asyncio.run(go_through(fault, server, traffic))
        good = sum(not sample.failed for sample in traffic.samples)
        agreed = sums_agree(server.url, token, good, limited)
    finally:
        server.end()
        fault.close()

    def between(begin, end):
        return [sample.took for sample in traffic.samples if begin <= sample.due < end]

    before = between(marks["before"], marks["fault"])
    first = between(marks["fault"], marks["fault"] + 1)
    later = between(max(marks["known"] + SETTLED, marks["fault"] + 1), marks["end"])
    return {
        "fault": kind,
        "limited": limited,
        "requests": len(traffic.samples),
        "failed": sum(sample.failed for sample in traffic.samples),
        "first_error": traffic.first_error,
        "known_after_s": marks["known"] - marks["fault"],
        "back_after_s": marks["back"],
        "sums": agreed,
        **{
            f"{name}_{share}": percentile(values, share)
            for name, values in (("before", before), ("first", first), ("later", later))
            for share in (50, 99)
        },
    }


def patch(url, path, token, body):
    request = urllib.request.Request(
        url + path,
        data=json.dumps(body).encode(),
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        method="PATCH",
    )
    urllib.request.urlopen(request, timeout=30).close()


def table(rows):
    yield (
        "| Redis | limits | requests | failed | p50 / p99 before, ms | in the first second | after that "
        "| known after, s | in use again after, s | sums |"
    )
    yield "| --- | --- | --: | --: | --: | --: | --: | --: | --: | --- |"
    for row in rows:
        pairs = [f"{row[f'{name}_50']:.1f} / {row[f'{name}_99']:.1f}" for name in ("before", "first", "later")]
        yield (
            f"| {row['fault']} | {'on' if row['limited'] else 'off'} | {row['requests']:,} | {row['failed']} "
            f"| {' | '.join(pairs)} | {row['known_after_s']:.2f} | {row['back_after_s']:.2f} | {row['sums']} |"
        )


def run():
    parser = argparse.ArgumentParser(description="What an outage of Redis costs callers.")
    parser.add_argument("--no-build", action="store_true", help="measure the binaries that are there")
    parser.add_argument("--fault", action="append", choices=["killed", "frozen", "slowed"])
    chosen = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    binaries = bench.binaries(not chosen.no_build)
    rows = []
    with tempfile.TemporaryDirectory(prefix="hub-outages-") as scratch:
        try:
            lab = processes.start_lab(binaries[1])
            for kind in chosen.fault or ["killed", "frozen", "slowed"]:
                for limited in (True, False):
                    rows.append(measure(kind, limited, binaries, lab, Path(scratch) / f"{kind}-{limited}"))
                    bench.say(json.dumps(rows[-1]))
        finally:
            for server in reversed(processes.Server.started):
                server.end()
    print("\n".join(table(rows)))
    print(f"\n{os.cpu_count()} processors, {PER_SECOND} requests a second, load {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    try:
        run()
    except KeyboardInterrupt:
        sys.exit(130)
