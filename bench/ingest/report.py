"""The tables that are printed, and the targets that ours is held against."""

from __future__ import annotations

import statistics
from typing import Any, Dict, List, Optional, Sequence

from servers import OURS

Rounds = Dict[str, List[Dict[str, Any]]]


def per_cpu_second(found: Dict[str, Any]) -> float:
    """Return accepted requests per CPU-second of the server in one round."""
    closed = found["closed"]
    return float(closed["accepted"] / max(closed["server_cpu_seconds"], 0.01))


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Return median and extremes."""
    if not values:
        return "-"
    middle, least, most = (f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return middle if least == most else f"{middle} ({least}–{most})"


def ratios(rounds: Rounds, name: str, other: str) -> List[float]:
    """Return the ratios of two servers, round by round: what disturbs a round disturbs both."""
    pairs = zip(rounds.get(name, []), rounds.get(other, []))
    return [per_cpu_second(one) / per_cpu_second(two) for one, two in pairs if per_cpu_second(two) > 0]


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [titles, ["---"] + ["---:"] * (len(titles) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def load_table(rounds: Rounds, rate: float) -> str:
    """What the rounds have shown."""
    titles = ["server", "requests per CPU-s", "× express", "× go", "requests/s", "all stored after s"]
    titles += ["broker CPU ms/request", "RSS MiB", f"p50 ms at {rate:,.0f}/s", "p99 ms", "refused"]
    rows = []
    for name, found in rounds.items():
        if not found:
            continue
        closed, fixed = [one["closed"] for one in found], [one["fixed"] for one in found]
        behind = [one["behind_seconds"] for one in closed]
        late = "never" if None in behind else spread(behind, 1)
        broker = [1000 * one["broker_cpu_seconds"] / max(one["accepted"], 1) for one in closed]
        rows.append(
            [
                name,
                spread([per_cpu_second(one) for one in found]),
                spread(ratios(rounds, name, "node-express"), 2),
                spread(ratios(rounds, name, "go"), 2),
                spread([one["accepted"] / one["seconds"] for one in closed]),
                late,
                spread(broker, 2),
                spread([one["memory_mib"]["rss"] for one in found], 1),
                spread([one["latency_ms"].get("p50", 0) for one in fixed], 1),
                spread([one["latency_ms"].get("p99", 0) for one in fixed], 1),
                f"{sum(one['refused'] for one in closed + fixed):,}",
            ]
        )
    return table(titles, rows)


def frozen_table(frozen: Dict[str, Dict[str, Any]]) -> str:
    """What the frozen broker has shown."""
    titles = ["server", "answers", "answered after s", "accepted", "refused", "stored", "lost after 2xx"]
    titles += ["refused but stored", "stored twice"]
    columns = ("accepted", "refused", "stored", "lost_after_2xx", "refused_but_stored", "stored_twice")
    rows = [
        [
            name,
            ", ".join(str(status or "none") for status in one["statuses"]),
            f"{one['answer_seconds']['median']:.3f} (max {one['answer_seconds']['max']:.3f})",
            *(str(one[column]) for column in columns),
        ]
        for name, one in frozen.items()
    ]
    return table(titles, rows)


def targets(rounds: Rounds, frozen: Dict[str, Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Hold ours against what it is to reach; what was not measured is neither met nor missed."""
    found = rounds.get(OURS, [])
    own = frozen.get(OURS)

    def middle(values: Sequence[float]) -> Optional[float]:
        return round(statistics.median(values), 2) if values else None

    p99 = middle([one["fixed"]["latency_ms"].get("p99", 0) for one in found])
    refused = sum(one[part]["refused"] for one in found for part in ("closed", "fixed")) if found else None
    wanted = [
        ("requests per CPU-second, × express", middle(ratios(rounds, OURS, "node-express")), ">=", 3.0),
        ("requests per CPU-second, × go", middle(ratios(rounds, OURS, "go")), ">=", 1.2),
        ("RSS after the run, MiB", middle([one["memory_mib"]["rss"] for one in found]), "<=", 40),
        ("p99 at the fixed rate, ms", p99, "<", 50),
        ("refused under load", refused, "<=", 0),
        ("frozen broker: lost after 2xx", own and own["lost_after_2xx"], "<=", 0),
        ("frozen broker: refused", own and own["refused"], "<=", 0),
    ]
    judge = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, "<": lambda a, b: a < b}
    return [
        {
            "target": f"{name} {sign.replace('>=', '≥').replace('<=', '≤')} {bound:g}",
            "measured": value,
            "met": None if value is None else judge[sign](value, bound),
        }
        for name, value, sign, bound in wanted
    ]


def targets_table(found: Sequence[Dict[str, Any]]) -> str:
    """The targets, in words."""
    words = {None: "not measured", True: "met", False: "**missed**"}
    rows = [
        [one["target"], "-" if one["measured"] is None else f"{one['measured']:g}", words[one["met"]]] for one in found
    ]
    return table(["target", "measured", ""], rows)
