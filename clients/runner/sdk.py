"""Runs the checks of an SDK, in a process of their own in the SDK's language."""

import json
import subprocess
from typing import Iterator

from . import install, scenario
from .matrix import DIALECTS, GAPS, Client, overloaded
from .report import Result
from .stack import Stack, clean_environment

# For all checks of a pair; a single one that hangs is ended by the driver before.
PATIENCE = 180


def command(client: Client) -> list[str]:
    if client.package == "python":
        return [str(install.python()), "-B", str(install.CLIENTS / "python" / "driver.py"), client.speaker]
    return ["node", str(install.javascript() / "main.mjs"), client.speaker]


def run(stack: Stack, client: Client, provider: str, checks: list[str]) -> Iterator[Result]:
    dialect = DIALECTS[provider]
    stack.rewind()
    task = {
        "base_url": stack.hub,
        "key": stack.keys[provider],
        "prefix": dialect.models,
        "text": scenario.TEXT,
        "usage": scenario.USAGE,
        "overloaded": overloaded(client),
        "foreign": provider != client.dialect,
        "checks": checks,
    }
    home = stack.directory / "home-sdk"
    home.mkdir(exist_ok=True)
    try:
        ended = subprocess.run(
            command(client),
            input=json.dumps(task),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=clean_environment(home),
        )
        out, errors, code = ended.stdout, ended.stderr, ended.returncode
    except subprocess.TimeoutExpired as late:
        out, errors, code = (late.stdout or b"").decode(), f"not done after {PATIENCE} s", -1
    for line in out.splitlines():
        if line.startswith("{"):
            yield judged(Result(client.name, provider, **json.loads(line)), provider != client.dialect)
    if code != 0:
        yield Result(client.name, provider, "driver", "FAIL", f"ended with {code}: {errors.strip()[-600:]}")
    yield reached(stack, client, provider)


def judged(result: Result, is_foreign: bool) -> Result:
    """The result in the light of what is known to be missing."""
    gap = GAPS.get(result.check) if is_foreign else None
    if gap and result.status == "ok":
        result.status, result.detail = "FAIL", "it works: take it out of GAPS in clients/runner/matrix.py"
    elif gap:
        result.status, result.detail = "skip", gap
    return result


def reached(stack: Stack, client: Client, provider: str) -> Result:
    """Did the requests reach the provider in its own dialect, and without the hub's key?"""
    entries = stack.received()
    strangers = {entry["dialect"] for entry in entries} - {DIALECTS[provider].lab}
    key = stack.keys[provider]
    if not entries:
        return Result(client.name, provider, "reaches", "FAIL", "nothing reached the provider")
    if strangers:
        return Result(client.name, provider, "reaches", "FAIL", f"it was spoken to in {', '.join(sorted(strangers))}")
    if any(key in json.dumps(entry["headers"]) + entry["path"] for entry in entries):
        return Result(client.name, provider, "reaches", "FAIL", "the key of the hub reached the provider")
    return Result(client.name, provider, "reaches", "ok")
