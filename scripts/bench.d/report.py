"""From runs to figures, and from figures to Markdown."""

from statistics import median

AIM_IDLE_RSS = 25e6
AIM_BINARY = 25e6


def middle(rounds, target, *path):
    """The median over the rounds of one figure of one target; None if it was not measured."""
    values = []
    for one in rounds:
        value = one.get(target)
        for name in path:
            value = value and value[name]
        if value is None:
            return None
        values.append(value)
    return median(values)


def added(rounds, target, what, percentile):
    """The median over the rounds of what a target adds to the direct way, in microseconds."""
    return median(one[target][what][percentile] - one["direct"][what][percentile] for one in rounds)


def summarise(case, rounds):
    """All figures of a case."""
    row = {"case": case.name, "title": case.title, "stream": case.stream, "rounds": len(rounds)}
    what = "first_byte" if case.stream else "latency"
    for target in ("direct", "nginx", "hub", "hub_info"):
        if target not in rounds[0]:
            continue
        figures = {
            "rps": middle(rounds, target, "rps"),
            "chunks_per_second": middle(rounds, target, "chunks_per_second"),
            f"{what}_p50_us": middle(rounds, target, what, "p50"),
            f"{what}_p99_us": middle(rounds, target, what, "p99"),
        }
        if target != "direct":
            figures["added_p50_us"] = added(rounds, target, what, "p50")
            figures["added_p99_us"] = added(rounds, target, what, "p99")
            figures["cpu_s_per_1000"] = middle(rounds, target, "cpu_per_1000")
        row[target] = figures
    row["cpu_ratio"] = row["hub"]["cpu_s_per_1000"] / row["nginx"]["cpu_s_per_1000"]
    row["throughput_ratio"] = row["hub"]["rps"] / row["nginx"]["rps"]
    if case.aim is not None:
        row["aim"] = case.aim
        row["met"] = row["cpu_ratio"] <= case.aim
    return row


def verdict(met):
    return "met" if met else "**missed**"


def table(head, rows):
    # The first column is text, the others are figures.
    rule = ["---"] + ["--:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *rows])


def line(row, target, name, rate):
    """The cells of one target in one case."""
    figures, nginx = row[target], row["nginx"]
    ratio = figures["cpu_s_per_1000"] / nginx["cpu_s_per_1000"]
    return [
        name,
        f"{row['direct'][rate]:,.0f}",
        f"{nginx[rate]:,.0f}",
        f"{figures[rate]:,.0f}",
        f"{figures[rate] / nginx[rate]:.2f}",
        f"{nginx['added_p50_us']:,.0f} / {nginx['added_p99_us']:,.0f}",
        f"{figures['added_p50_us']:,.0f} / {figures['added_p99_us']:,.0f}",
        f"{nginx['cpu_s_per_1000']:.3f}",
        f"{figures['cpu_s_per_1000']:.3f}",
        f"{ratio:.2f}",
        f"≤ {row['aim']} {verdict(ratio <= row['aim'])}" if "aim" in row else "–",
    ]


def head(first, rate, delay):
    return [
        first,
        f"{rate} direct",
        "nginx",
        "hub",
        "hub ÷ nginx",
        f"added {delay} µs, p50 / p99: nginx",
        "hub",
        "CPU s per 1 000 requests: nginx",
        "hub",
        "hub ÷ nginx",
        "aim",
    ]


def markdown(result):
    """The whole report."""
    parts = []
    plain = [row for row in result["cases"] if not row["stream"]]
    streams = [row for row in result["cases"] if row["stream"]]
    if plain:
        rows = []
        for row in plain:
            rows.append(line(row, "hub", row["title"], "rps"))
            if "hub_info" in row:
                rows.append(line(row, "hub_info", f"{row['title']}, `LOG_LEVEL=info`", "rps"))
        parts.append(table(head("request body × connections", "req/s", "latency"), rows))
    if streams:
        rows = [line(row, "hub", row["title"], "chunks_per_second") for row in streams]
        parts.append(table(head("streams × connections", "chunks/s", "first-byte"), rows))
    size = result["footprint"]
    parts.append(
        table(
            ["footprint", "nginx", "hub", "aim"],
            [
                [
                    "memory idle (RSS), MB",
                    f"{size['nginx_idle_rss'] / 1e6:.1f}",
                    f"{size['hub_idle_rss'] / 1e6:.1f}",
                    f"≤ 25 {verdict(size['hub_idle_rss'] <= AIM_IDLE_RSS)}",
                ],
                [
                    "memory at most (RSS), MB",
                    f"{size['nginx_peak_rss'] / 1e6:.1f}",
                    f"{size['hub_peak_rss'] / 1e6:.1f}",
                    "–",
                ],
                [
                    "binary, MB",
                    "–",
                    f"{size['hub_binary'] / 1e6:.1f}",
                    f"≤ 25 {verdict(size['hub_binary'] <= AIM_BINARY)}",
                ],
            ],
        )
    )
    machine = result["machine"]
    parts.append(
        f"{machine['processors']} processors ({machine['model']}), {machine['memory_gib']} GiB of memory; "
        f"medians of {result['rounds']} interleaved rounds of {result['seconds']} s per figure; "
        f"other programs took {machine['others_share']:.0%} of the processors meanwhile."
    )
    return "\n\n".join(parts)
