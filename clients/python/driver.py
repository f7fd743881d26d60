"""The checks of one SDK against one provider dialect, written once for all SDKs.

Started as `python driver.py SPEAKER` with a JSON object on standard input that says where the hub is and what
the simulated provider will answer. Each check ends in one JSON line on standard output.

A speaker (anthropic_sdk.py and its like) wraps an official SDK; see `Speaker` for what it has to offer.
"""

import importlib
import json
import signal
import sys
from dataclasses import dataclass, field


@dataclass
class Answer:
    """What a client got, in words that do not depend on the SDK."""

    text: str
    # Everything that went in, cached tokens included; of these, the cached ones; everything that came out.
    usage: tuple[int, int, int] | None


@dataclass
class ToolTurn:
    """A tool call, and the answer after its result was sent back."""

    name: str
    arguments: dict
    answer: Answer


class Speaker:
    """One SDK. `said` collects the pieces of text of a stream, so that they are known after an exception too."""

    # By status: what the SDK raises.
    errors: dict[int, type] = {}
    # What it raises when a stream is broken off, and when the provider itself ends it with an error.
    broken: type | tuple[type, ...] = Exception
    failed: type | tuple[type, ...] | None = None  # without: the same

    def whole(self, model: str, key: str | None = None) -> Answer:
        raise NotImplementedError

    def streamed(self, model: str, said: list[str]) -> Answer:
        raise NotImplementedError

    def tool(self, model: str) -> ToolTurn:
        raise NotImplementedError

    def status_of(self, error: Exception) -> int | None:
        return getattr(error, "status_code", None)

    # May be missing: not every SDK has the call.
    count = None
    models = None


class Failed(Exception):
    """A check that did not see what it has to see."""


@dataclass
class Task:
    """What the runner hands in."""

    base_url: str
    key: str
    prefix: str  # of model names; what follows names the provider's behaviour
    text: str
    usage: tuple[int, int, int]
    overloaded: int  # the status that stands for "overloaded" in this client's dialect
    foreign: bool = False  # the provider speaks another dialect than the client
    checks: list[str] = field(default_factory=list)  # empty: all
    patience: int = 20  # seconds that a check may take


TOOL = {
    "name": "look_up",
    "description": "Looks something up.",
    "schema": {
        "type": "object",
        "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["query"],
    },
}
ARGUMENTS = {"query": "weather in Hangzhou", "limit": 3}
QUESTION = "How is the weather?"


def expect(seen, wanted, what: str) -> None:
    if seen != wanted:
        raise Failed(f"{what}: {seen!r} instead of {wanted!r}")


class Checks:
    def __init__(self, speaker: Speaker, task: Task):
        self.speaker, self.task = speaker, task

    def model(self, behaviour: str) -> str:
        return self.task.prefix + behaviour

    def compare(self, answer: Answer) -> None:
        expect(answer.text, self.task.text, "text")
        expect(answer.usage, self.task.usage, "usage (in, cached, out)")

    def text(self):
        self.compare(self.speaker.whole(self.model("plain")))

    def stream(self):
        said: list[str] = []
        self.compare(self.speaker.streamed(self.model("plain"), said))
        expect("".join(said), self.task.text, "text, piece by piece")
        if len(said) < 2:
            raise Failed("the stream came in one piece")

    def thinking(self):
        self.compare(self.speaker.streamed(self.model("thinking"), []))

    def tool(self):
        turn = self.speaker.tool(self.model("tool"))
        expect(turn.name, TOOL["name"], "the tool's name")
        expect(turn.arguments, ARGUMENTS, "its arguments")
        self.compare(turn.answer)

    def refused(self, status: int, behaviour: str, key: str | None = None):
        try:
            answer = self.speaker.whole(self.model(behaviour), key)
        except Exception as error:
            if not isinstance(error, self.speaker.errors[status]):
                raise Failed(f"{type(error).__name__}: {error}") from error
            expect(self.speaker.status_of(error), status, "status")
        else:
            raise Failed(f"no exception but {answer!r}")

    def error_400(self):
        self.refused(400, "error-400")

    def error_401(self):
        self.refused(401, "plain", key="cch_" + "0" * 40)

    def error_429(self):
        self.refused(429, "error-429")

    def error_529(self):
        self.refused(self.task.overloaded, "error-529")

    def hidden_whole(self):
        self.compare(self.speaker.whole(self.model("hidden-whole")))

    def hidden_stream(self):
        self.compare(self.speaker.streamed(self.model("hidden-stream"), []))

    def breaks(self, behaviour: str, expected=None):
        """There is text, and then an exception of the SDK: neither a hang nor a silent end."""
        expected = expected or self.speaker.broken
        said: list[str] = []
        try:
            answer = self.speaker.streamed(self.model(behaviour), said)
        except Exception as error:
            if not isinstance(error, expected):
                raise Failed(f"{type(error).__name__}: {error}") from error
            if not said:
                raise Failed("the exception came before any text") from error
        else:
            raise Failed(f"no exception but {answer!r}")

    def error_after(self):
        self.breaks("error-after", self.speaker.failed)

    def cut_after(self):
        self.breaks("cut-after")

    def end_early(self):
        self.breaks("end-early")

    def count_tokens(self):
        if self.speaker.count(self.model("plain")) < 1:
            raise Failed("no tokens")

    def models_list(self):
        self.speaker.models()


# In the order in which they run.
NAMES = [
    "text", "stream", "thinking", "tool",
    "error_400", "error_401", "error_429", "error_529",
    "hidden_whole", "hidden_stream",
    "error_after", "cut_after", "end_early",
    "count_tokens", "models_list",
]  # fmt: skip

# Checks of what is decided before there is a provider. (A hub lets an address try only so many wrong keys.)
OWN = {"error_401"}

# Checks of calls that not every SDK has.
OPTIONAL = {"count_tokens": "count", "models_list": "models"}


class Hangs(BaseException):
    """Raised by the alarm clock; no SDK catches it."""


def ring(*_):
    raise Hangs


def run(checks: Checks, name: str) -> dict:
    signal.alarm(checks.task.patience)
    try:
        getattr(checks, name)()
        return {"check": name, "status": "ok", "detail": ""}
    except Hangs:
        return {"check": name, "status": "FAIL", "detail": f"hangs: nothing for {checks.task.patience} s"}
    except Failed as reason:
        return {"check": name, "status": "FAIL", "detail": str(reason)}
    except Exception as error:
        return {"check": name, "status": "FAIL", "detail": f"{type(error).__name__}: {error}"}
    finally:
        signal.alarm(0)


def main():
    task = Task(**json.load(sys.stdin))
    task.usage = tuple(task.usage)
    speaker = importlib.import_module(sys.argv[1]).speaker(task)
    signal.signal(signal.SIGALRM, ring)
    checks = Checks(speaker, task)
    for name in NAMES:
        if (task.checks and name not in task.checks) or (task.foreign and name in OWN):
            continue
        if name in OPTIONAL and getattr(speaker, OPTIONAL[name]) is None:
            continue
        print(json.dumps(run(checks, name)), flush=True)


if __name__ == "__main__":
    # The speakers import this file by its name; it must not exist twice, or its classes would be strangers.
    sys.modules["driver"] = sys.modules["__main__"]
    main()
