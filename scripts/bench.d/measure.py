"""Cases, and one run of one of them against one target."""

import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from processes import TICKS_PER_SECOND

# A Claude stream opens and ends with five events around its content.
FRAME_EVENTS = 5
STREAM_CHUNKS = 200


@dataclass(frozen=True)
class Case:
    """What is asked, and how the simulated provider answers."""

    name: str
    title: str
    concurrency: int
    body_bytes: int
    stream: bool = False
    behaviour: dict = field(default_factory=dict)
    # The most processor time per request that the hub may take, in nginx's.
    aim: float | None = None


def cases():
    plain = [
        Case(f"{size}k-c{concurrency}", f"{size} KB × {concurrency}", concurrency, size * 1000, aim=aim)
        for size, aim in ((1, 2.0), (100, 1.5))
        for concurrency in (1, 32, 128)
    ]
    streams = [
        Case(
            f"stream-{pause}ms",
            f"{STREAM_CHUNKS} chunks, {f'every {pause} ms' if pause else 'back to back'} × 64",
            64,
            1000,
            stream=True,
            behaviour={"chunks": STREAM_CHUNKS, "chunk_ms": pause},
        )
        for pause in (5, 0)
    ]
    return plain + streams


def load(binary, url, key, case, seconds=None, requests=None, chunks=STREAM_CHUNKS):
    """Runs the load generator for so long or for so many requests; its report, or the end of the benchmark."""
    command = [binary, "load", "--url", f"{url}/v1/messages", "--header", f"x-api-key: {key}"]
    command += ["--header", "anthropic-version: 2023-06-01"]
    command += ["--concurrency", str(case.concurrency)]
    command += ["--seconds", str(seconds)] if seconds else ["--requests", str(requests)]
    command += ["--body-bytes", str(case.body_bytes)]
    if case.stream:
        command += ["--stream", "--expect-chunks", str(chunks + FRAME_EVENTS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=(seconds or 0) + 120)
    report = json.loads(done.stdout)
    if report["errors"] or not report["requests"]:
        raise SystemExit(f"{case.name}: {report['errors']} failed requests, first: {report['first_error']}")
    return report


def run(binary, server, key, case, seconds):
    """One run against one server: the load generator's report, and the processor time of that server alone."""
    server.settle()
    before = server.cpu_seconds()
    report = load(binary, server.url, key, case, seconds)
    # Records are written after the answers; that time belongs to the requests too.
    server.settle()
    report["cpu_per_1000"] = (server.cpu_seconds() - before) * 1000 / report["requests"]
    return report


class MachineLoad:
    """How busy the machine is with things that are not the benchmark."""

    def __init__(self, servers):
        self.servers = servers
        self.begun = (time.monotonic(), *self.now())

    def now(self):
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        # Of all fields only idle and waiting for disk are no work. Guest time is counted in user time.
        busy = sum(int(ticks) for at, ticks in enumerate(fields[:8]) if at not in (3, 4))
        times = os.times()
        mine = times.user + times.system + times.children_user + times.children_system
        mine += sum(server.cpu_seconds() for server in self.servers)
        return busy / TICKS_PER_SECOND, mine

    def others_share(self):
        """The share of all processors' time that other programs took since the beginning."""
        begun, busy, mine = self.begun
        busy_now, mine_now = self.now()
        others = (busy_now - busy) - (mine_now - mine)
        return max(0.0, others / ((time.monotonic() - begun) * os.cpu_count()))
