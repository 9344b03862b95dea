"""The page that a server shows of itself: who is here, are plans in time. Pure."""

from __future__ import annotations

from html import escape

from jam.server.players import Players

_STYLE = (
    "body{font:16px system-ui;margin:2rem auto;max-width:40rem;color:#222;background:#fafafa}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.3rem 1rem .3rem 0;text-align:left}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}"
)


def page(players: Players, more: str) -> str:
    """HTML that loads itself anew every two seconds. more: where all figures are, as HTML."""
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in players.measures.registry.collect()
        for sample in family.samples
    }
    in_time = samples.get(("jam_plans_total", "no"), 0.0)
    late = samples.get(("jam_plans_total", "yes"), 0.0)
    n = samples.get(("jam_plan_seconds_count",), 0.0)
    total_ms = 1000 * samples.get(("jam_plan_seconds_sum",), 0.0)
    rows = [
        ("Agent", players.planner.ready.name),
        ("Players", f"{players.by_user.total()} of {players.limits.players}"),
        ("Without room", f"{players.waiting} in the last seconds"),
        ("Plans", f"{in_time + late:,.0f}"),
        ("In time", f"{100 * in_time / (in_time + late):.2f} %" if n else "–"),
        ("From request to plan", f"{total_ms / n:.1f} ms on average" if n else "–"),
        ("Waiting", f"{samples.get(('jam_queue',), 0.0):.0f} requests"),
        ("Computed as one", f"{samples.get(('jam_batch_mean',), 0.0):.1f} positions on average"),
    ]
    table = "".join(f"<tr><th>{escape(name)}<td>{escape(value)}" for name, value in rows)
    users = "".join(
        f"<tr><td>{escape(user)}<td>{count}" for user, count in sorted(players.by_user.items())
        if count
    )  # fmt: skip
    who = f"<h2>Users</h2><table>{users}</table>" if users else "<p>Nobody is playing."
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh"'
        f' content="2"><title>jam server</title><style>{_STYLE}</style>'
        f"<h1>jam server</h1><table>{table}</table>{who}<p>{more}"
    )
