"""What the simulated providers do: by the last part of the model's name, so that it works in every dialect."""

# Several pieces, bytes outside of ASCII, and everything that JSON escapes. No line ends: clients trim those.
TEXT = "Es regnet in 杭州, \"naïve\" question \\ 🙂 — and it will go on raining until the evening, says the lab."

# Everything that went in, of that from the cache, everything that came out.
USAGE = (120, 30, 34)


def scenario(word: str) -> dict:
    """`word` is what coding clients have to bring back from their shells."""
    broken = {"chunk_ms": 5, "chunks": 10}

    def rule(name: str, *sequence: dict, **then) -> dict:
        return {"model": f"*-{name}", "sequence": list(sequence), "repeat": True, "then": then}

    return {
        "default": {"text": TEXT, "chunks": 6, "input": 90, "cache_read": 30, "output": 34, "errand": word},
        "models": [
            rule("thinking", thinking=True),
            rule("tool", {"tool_call": True}, {}),
            rule("error-400", status=400),
            rule("error-429", status=429),
            rule("error-529", status=529),
            # The first provider fails behind a 200, the second is well.
            rule("hidden-whole", {"error_in_200": True}, {}),
            rule("hidden-stream", {"error_in_200": True}, {}),
            # Nobody can help once there is text.
            rule("error-after", error_in_200=True, error_after=4, **broken),
            rule("cut-after", truncate_after=4, cut="reset", **broken),
            rule("end-early", truncate_after=4, cut="clean", **broken),
        ],
    }
