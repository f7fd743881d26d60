"""Results, as a table for people and as JSON for programs."""

import json
from dataclasses import asdict, dataclass


@dataclass
class Result:
    client: str
    provider: str
    check: str
    # `ok`, `skip` (with the reason why) or `FAIL`
    status: str
    detail: str = ""


HEAD = ("client", "provider", "check", "result", "")


def row(result: Result) -> tuple[str, ...]:
    detail = " ".join(result.detail.split())
    detail = f"skipped: {detail}" if result.status == "skip" else detail
    return (result.client, result.provider, result.check, result.status, detail[:400])


def table(results: list[Result]) -> str:
    """Checks that passed share a line for each pair; what did not gets one of its own."""
    lines: list[tuple[str, ...]] = []
    for client, provider in dict.fromkeys((result.client, result.provider) for result in results):
        of_pair = [result for result in results if (result.client, result.provider) == (client, provider)]
        passed = [result.check for result in of_pair if result.status == "ok"]
        if passed:
            lines.append((client, provider, f"{len(passed)} of {len(of_pair)}", "ok", " ".join(passed)))
        lines += [row(result) for result in of_pair if result.status != "ok"]
    widths = [max(len(line[column]) for line in [HEAD, *lines]) for column in range(4)]
    return "\n".join(
        "  ".join([cell.ljust(width) for cell, width in zip(line, widths)] + [line[4]]).rstrip()
        for line in [HEAD, *lines]
    )


def closing(results: list[Result]) -> str:
    count = {status: sum(result.status == status for result in results) for status in ("ok", "FAIL", "skip")}
    return f"{count['ok']} passed, {count['FAIL']} failed, {count['skip']} skipped"


def as_json(results: list[Result]) -> str:
    return json.dumps([asdict(result) for result in results], indent=1, ensure_ascii=False)
