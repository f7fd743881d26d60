"""The hub and the simulated providers before which the clients run, set up over the management interface."""

import json
import os
import re
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from . import scenario
from .matrix import DIALECTS

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
# How long a start may take.
PATIENCE = 30
# What the hub knows the simulated vendor by; must never reach a client.
CREDENTIAL = "sk-lab-" + secrets.token_hex(8)


# A proxy that refuses: whoever wants to leave this machine is told no at once.
NOWHERE = "http://127.0.0.1:9"


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """Nothing of the caller's configuration, so that a run is the same everywhere; and no way out."""
    keep = {name: os.environ[name] for name in ["PATH", "LANG", "TZ"] if name in os.environ}
    closed = {}
    for name, value in [("http_proxy", NOWHERE), ("https_proxy", NOWHERE), ("no_proxy", "127.0.0.1,localhost")]:
        closed |= {name: value, name.upper(): value}
    return keep | {"HOME": str(home), "TMPDIR": str(home)} | closed | more


class Stack:
    """Everything that listens. Use as a context manager; ends what it started."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.token = secrets.token_hex(16)
        self.word = secrets.token_hex(4)
        self.processes: list[subprocess.Popen] = []
        # By provider dialect: a key that is served by this dialect's providers only.
        self.keys: dict[str, str] = {}

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self):
        script = self.directory / "scenario.json"
        script.write_text(json.dumps(scenario.scenario(self.word)))
        self.lab = self._spawn("hub-lab", "serve", "--listen", "127.0.0.1:0", "--scenario", str(script))
        self.hub = self._spawn(
            "hub-server",
            APP_PORT="0",
            DATA_DIR=str(self.directory / "data"),
            ADMIN_TOKEN=self.token,
            # Failures are on purpose here, and none may cast its shadow on the next check.
            MAX_PROVIDER_PAUSE_MS="0",
            SHUTDOWN_DRAIN_MS="1000",
        )
        user = self.manage("POST", "users", {"name": "ada"})["id"]
        for dialect in DIALECTS.values():
            for number in (1, 2):
                self.manage(
                    "POST",
                    "providers",
                    {
                        "name": f"{dialect.name}-{number}",
                        "url": self.lab,
                        "provider_type": dialect.provider_type,
                        "credential": CREDENTIAL,
                        "group_tag": dialect.name,
                        "priority": number,
                        "failure_threshold": 0,
                    },
                )
            key = {"name": dialect.name, "provider_group": dialect.name}
            self.keys[dialect.name] = self.manage("POST", f"users/{user}/keys", key)["key"]

    def _spawn(self, program: str, *arguments: str, **environment: str) -> str:
        """Starts a program and returns the URL that it prints first."""
        log = self.directory / f"{program}.log"
        process = subprocess.Popen(
            [str(TARGET / "debug" / program), *arguments],
            cwd=self.directory,
            env=clean_environment(self.directory, **environment),
            stdin=subprocess.DEVNULL,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
        )
        self.processes.append(process)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and process.poll() is None:
            if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text(errors="replace")):
                return found.group()
            time.sleep(0.05)
        raise RuntimeError(f"{program} did not start:\n{log.read_text(errors='replace')[-2000:]}")

    def manage(self, method: str, path: str, body: dict | None = None) -> dict:
        """A call of the hub's management interface."""
        return call(method, f"{self.hub}/api/v1/{path}", body, {"authorization": f"Bearer {self.token}"})

    def rewind(self):
        """Plays the scenario from its beginning, and forgets what was received."""
        call("POST", f"{self.lab}/lab/reset")

    def received(self) -> list[dict]:
        """What the simulated providers received since the last `rewind`."""
        return call("GET", f"{self.lab}/lab/witness")["entries"]

    def log(self, program: str) -> str:
        return (self.directory / f"{program}.log").read_text(errors="replace")


def call(method: str, url: str, body: dict | None = None, headers: dict[str, str] | None = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | (headers or {})
    request = urllib.request.Request(url, data, headers, method=method)
    # No proxy, whatever the environment says: everything is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{method} {url}: {error.code} {error.read().decode(errors='replace')[:500]}") from error
