"""The peers' side of the works, run by their own interpreter: `python peers.py PEER WORK WORLD.npz REPEATS`.

Each gets the same unsorted rows as columns in the form it likes best, made before the clock starts. The rule methods
are first, last, linear, U-shaped (40 % first, 40 % the last touch until the lead was known, 20 % the others) and time
decay (half-life 7 days before the close), over touches until the close, ordered by (moment, id); the answer is revenue
per campaign. A peer that has another rule under the name keeps it; what it cannot do is not asked of it.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from timing import measured, say, stage

WEEK = 7 * 86_400_000_000


def load(path: str) -> dict:
    with np.load(path) as columns:
        return dict(columns)


def listed(world: dict, campaigns, values) -> list[float]:
    """Totals in the order of campaigns."""
    found = np.zeros(len(world["channel_of"]))
    found[np.asarray(campaigns, dtype=np.int64)] = np.asarray(values, dtype=np.float64)
    return found.tolist()


# ---- DuckDB


def duckdb_rules(world: dict):
    import duckdb
    import pandas as pd

    connection = duckdb.connect()
    touches = pd.DataFrame({name: world[name] for name in ("opportunity", "id", "campaign")})
    touches["moment"] = world["at"]
    deals = pd.DataFrame({name: world[name] for name in ("closed_at", "known_at", "amount")})
    deals["opportunity"] = np.arange(len(deals))
    connection.register("touches_frame", touches)
    connection.register("deals_frame", deals)
    connection.execute("create table touches as select * from touches_frame")
    connection.execute("create table deals as select * from deals_frame")
    # Without sorting: positions are the smallest and largest (moment, id), packed in one number where that fits.
    query = f"""
    with eligible as materialized (
      select t.opportunity, campaign, amount, moment::hugeint * 1073741824 + id as place,
             case when moment <= known_at then moment::hugeint * 1073741824 + id end as early,
             exp((moment - closed_at) * (ln(2) / {WEEK})) as raw
      from touches t join deals using (opportunity) where moment <= closed_at
    ), journeys as (
      select opportunity, count(*) as n, sum(raw) as raw_sum, min(place) as f, max(place) as l, max(early) as k
      from eligible group by opportunity
    ), shares as (
      select campaign, amount, n, raw / raw_sum as decay, place = f as is_f, place = l as is_l,
             coalesce(place = k, false) as is_k, k is not null as has_k,
             n - 1 - case when k is not null and k <> f then 1 else 0 end as others
      from eligible join journeys using (opportunity)
    )
    select campaign, sum(case when is_f then amount else 0 end), sum(case when is_l then amount else 0 end),
           sum(amount / n),
           sum(amount * (case when is_f then 40 else 0 end + case when is_k then 40 else 0 end
                         + case when is_f or is_k then 0 else 20.0 / others end)
               / (40 + case when has_k then 40 else 0 end + case when others > 0 then 20 else 0 end)),
           sum(amount * decay)
    from shares group by campaign"""

    def work() -> dict:
        answer = connection.execute(query).fetchnumpy()
        campaigns, *sums = answer.values()
        keys = ("first_touch", "last_touch", "linear", "u_shaped", "time_decay")
        return {"totals": {key: listed(world, campaigns, values) for key, values in zip(keys, sums, strict=True)}}

    return work


# ---- Polars


def polars_rules(world: dict):
    import polars as pl

    touches = pl.DataFrame({name: world[name] for name in ("opportunity", "id", "campaign", "at")})
    deals = pl.DataFrame({name: world[name] for name in ("closed_at", "known_at", "amount")})
    deals = deals.with_columns(opportunity=pl.int_range(len(deals), dtype=pl.Int64))
    column = pl.col

    def work() -> dict:
        eligible = (
            touches.lazy()
            .join(deals.lazy(), on="opportunity")
            .filter(column("at") <= column("closed_at"))
            .with_columns(
                raw=((column("at") - column("closed_at")) * (np.log(2) / WEEK)).exp(),
                early=pl.when(column("at") <= column("known_at")).then(column("at")),
            )
            .collect()
            .lazy()
        )
        journeys = eligible.group_by("opportunity").agg(
            n=pl.len(),
            raw_sum=column("raw").sum(),
            f=column("at").min(),
            l=column("at").max(),
            k=column("early").max(),
        )
        # Ties: of the touches at a position's moment, the one with the smallest (first) or largest id holds it.
        marked = eligible.join(journeys, on="opportunity")
        at_f, at_l, at_k = (column("at") == column(name) for name in ("f", "l", "k"))
        holders = (
            marked.filter(at_f | at_l | at_k.fill_null(False))
            .group_by("opportunity")
            .agg(
                f_id=column("id").filter(at_f).min(),
                l_id=column("id").filter(at_l).max(),
                k_id=column("id").filter(at_k).max(),
            )
        )
        is_f, is_l = column("id") == column("f_id"), column("id") == column("l_id")
        is_k = (column("id") == column("k_id")).fill_null(False)
        has_k = column("k").is_not_null()
        others = column("n").cast(pl.Int64) - 1 - (has_k & (column("k_id") != column("f_id"))).fill_null(False)
        u_shaped = (is_f * 40.0 + is_k * 40.0 + pl.when(is_f | is_k).then(0.0).otherwise(20.0 / others)) / (
            40.0 + has_k * 40.0 + (others > 0) * 20.0
        )
        amount = column("amount")
        answer = (
            marked.join(holders, on="opportunity")
            .group_by("campaign")
            .agg(
                first_touch=(amount * is_f).sum(),
                last_touch=(amount * is_l).sum(),
                linear=(amount / column("n")).sum(),
                u_shaped=(amount * u_shaped).sum(),
                time_decay=(amount * column("raw") / column("raw_sum")).sum(),
            )
            .collect()
        )
        return {"totals": {name: listed(world, answer["campaign"], answer[name]) for name in answer.columns[1:]}}

    return work


# ---- pandas


def pandas_rules(world: dict):
    import pandas as pd

    touches = pd.DataFrame({name: world[name] for name in ("opportunity", "id", "campaign", "at")})
    deals = pd.DataFrame({name: world[name] for name in ("closed_at", "known_at", "amount")})

    def work() -> dict:
        rows = touches.join(deals, on="opportunity")
        rows = rows[rows["at"] <= rows["closed_at"]].sort_values(["opportunity", "at", "id"])
        journey = rows.groupby("opportunity", sort=False)
        place, n = journey.cumcount(), journey["id"].transform("size")
        early = (rows["at"] <= rows["known_at"]).groupby(rows["opportunity"], sort=False).transform("sum")
        is_f, is_l, is_k = place == 0, place == n - 1, place == early - 1
        raw = np.exp((rows["at"] - rows["closed_at"]) * (np.log(2) / WEEK))
        decay = raw / raw.groupby(rows["opportunity"], sort=False).transform("sum")
        others = n - 1 - (early > 1)
        u_shaped = (is_f * 40.0 + is_k * 40.0 + np.where(is_f | is_k, 0.0, 20.0 / others.where(others > 0, 1))) / (
            40.0 + (early > 0) * 40.0 + (others > 0) * 20.0
        )
        shares = {"first_touch": is_f, "last_touch": is_l, "linear": 1 / n, "u_shaped": u_shaped, "time_decay": decay}
        sums = pd.DataFrame({key: rows["amount"] * share for key, share in shares.items()})
        answer = sums.groupby(rows["campaign"]).sum()
        return {"totals": {key: listed(world, answer.index, answer[key]) for key in shares}}

    return work


# ---- marketing-attribution-models


def _sessions(world: dict, value: np.ndarray):
    """Rows as MAM takes them: sessions until the close, the value on one of them."""
    import polars as pl

    kept = np.flatnonzero(world["at"] <= world["closed_at"][world["opportunity"]])
    deal, at = world["opportunity"][kept], world["at"][kept]
    # MAM sums the values of a journey's sessions: each carries its part.
    part = value[deal] / np.bincount(deal, minlength=len(value))[deal]
    return pl.DataFrame(
        {
            "deal": deal,
            "channel": world["campaign"][kept].astype(str),
            "at": at.astype("datetime64[us]"),
            "converted": world["converted"][deal],
            "value": part,
        }
    )


def _mam(sessions):
    from mam import MAM

    return MAM(
        sessions,
        format_type="format_1",
        channels_colname="channel",
        journey_with_conv_colname="converted",
        datetime_colname="at",
        user_id_colname="deal",
        conversion_value_colname="value",
    )


def mam_rules(world: dict):
    sessions = _sessions(world, world["amount"].astype(np.float64))

    def work() -> dict:
        model = _mam(sessions)
        found = {
            "first_touch": model.run_first_click(),
            "last_touch": model.run_last_click(),
            "linear": model.run_linear(),
            "u_shaped": model.run_position_based(),
            "time_decay": model.run_time_decay(),
        }
        return {"totals": {key: _mam_totals(world, result) for key, result in found.items()}}

    return work


def _mam_totals(world: dict, result) -> list[float]:
    import polars

    table = result.to_polars()
    name = next(name for name in table.columns if name != "attribution")
    return listed(world, [int(key) for key in table[name].cast(polars.Utf8).to_list()], table["attribution"])


def mam_markov(world: dict):
    sessions = _sessions(world, world["converted"].astype(np.float64))

    def work() -> dict:
        parts: dict[str, float] = {}
        began = stage(parts, "start", time.perf_counter())
        model = _mam(sessions)
        began = stage(parts, "prepare", began)
        result = model.run_markov()
        stage(parts, "model", began)
        effects = result.metadata["removal_effect"]
        values = listed(world, [int(name) for name in effects.index], effects["removal_effect"])
        return {"parts": parts, "effects": values, "shares": (np.array(values) / np.sum(values)).tolist()}

    return work


# ---- ChannelAttribution


def _paths(world: dict):
    """Sort and join: ChannelAttribution starts from strings, and making them is part of the work."""
    import pandas as pd

    kept = np.flatnonzero(world["at"] <= world["closed_at"][world["opportunity"]])
    order = kept[np.lexsort((world["id"][kept], world["at"][kept], world["opportunity"][kept]))]
    deal = world["opportunity"][order]
    names = world["campaign"][order].astype(str).astype(object)
    starts = np.flatnonzero(np.diff(deal, prepend=-1))
    paths = [">".join(part) for part in np.split(names, starts[1:])]
    deals = deal[starts]
    converted = world["converted"][deals].astype(np.int64)
    return pd.DataFrame(
        {"path": paths, "one": 1, "amount": world["amount"][deals], "won": converted, "lost": 1 - converted}
    )


def channelattribution_rules(world: dict):
    import ChannelAttribution

    def work() -> dict:
        parts: dict[str, float] = {}
        began = stage(parts, "start", time.perf_counter())
        paths = _paths(world)
        began = stage(parts, "prepare", began)
        found = ChannelAttribution.heuristic_models(paths, "path", "one", var_value="amount", flg_pro=False)
        stage(parts, "model", began)
        names = found["channel_name"].astype(int)
        columns = {"first_touch": "first_touch_value", "last_touch": "last_touch_value", "linear": "linear_touch_value"}
        return {"parts": parts, "totals": {key: listed(world, names, found[name]) for key, name in columns.items()}}

    return work


def channelattribution_markov(world: dict, seed: int = 0):
    import ChannelAttribution

    def work() -> dict:
        parts: dict[str, float] = {}
        began = stage(parts, "start", time.perf_counter())
        paths = _paths(world)
        began = stage(parts, "prepare", began)
        found = ChannelAttribution.markov_model(
            paths, "path", "won", var_null="lost", out_more=True, ncore=2, seed=seed, verbose=False, flg_pro=False
        )
        stage(parts, "model", began)
        tables = list(found.values()) if isinstance(found, dict) else list(found)
        effects = next(table for table in tables if any("removal" in str(name) for name in table.columns))
        column = next(name for name in effects.columns if "removal" in str(name))
        values = listed(world, effects["channel_name"].astype(int), effects[column])
        return {"parts": parts, "effects": values, "shares": (np.array(values) / np.sum(values)).tolist()}

    return work


PEERS = {
    ("polars", "rules"): polars_rules,
    ("duckdb", "rules"): duckdb_rules,
    ("pandas", "rules"): pandas_rules,
    ("marketing-attribution-models", "rules"): mam_rules,
    ("marketing-attribution-models", "markov"): mam_markov,
    ("channelattribution", "rules"): channelattribution_rules,
    ("channelattribution", "markov"): channelattribution_markov,
}


def main(arguments: list[str]) -> None:
    """Load, work, print."""
    peer, work, path, repeats = arguments
    world = load(path)
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet):
        ready = PEERS[peer, work](world)
        result = measured(ready, int(repeats))
    say({**result, "version": importlib.metadata.version(peer)})


if __name__ == "__main__":
    main(sys.argv[1:])
