"""A suggested number of clusters, how sure it is, and why; the user's own choice always comes first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from amucl.clustering.stability import gap_choice
from amucl.errors import some

COLUMNS = ["dataset", "method", "suggested_k", "confidence", "votes", "evidence"]
NAMES = {
    "ari": "agreement between subsamples",
    "pac": "consensus of subsamples",
    "gap": "gap statistic",
    "eigengap": "eigengap",
    "prediction": "prediction from one half to the other",
}

_VALUES = ["ari_mean", "pac", "gap", "eigengap", "prediction_index"]
_AS_GOOD = {"ari": 0.05, "pac": 0.05, "prediction": 0.02}
_BETTER_THAN_NULL, _FAR_BETTER = 0.75, 0.5
_STABLE = 0.8
_GRAVE = ("collapsed", "unconfirmed", "chance", "duplicates")


def suggest_k(stability: pd.DataFrame, doubts: Mapping[int, str] | None = None) -> pd.DataFrame:
    """Suggest a number of clusters by the votes of five criteria; no true labels are looked at.

    1. A k with a cluster of under max(5, 3 % of the samples) is no candidate, unless every k has one.
    2. Each criterion votes. `ari`: the largest k whose mean is within .05 of the best (a coarse partition of a
       hierarchy is as stable as the fine one); `prediction`: likewise, within .02; `pac`: likewise, within .05 by
       pac_null - pac, as PAC falls with k whatever the data (by PAC alone where no null is known); `gap`: see
       `gap_choice`, 1 for no clusters; `eigengap`: the largest. Silhouette, C-index and Davies-Bouldin do not vote:
       singletons and collapsed embeddings win them.
    3. The k of most votes is suggested; of several, the one of the largest gap.
    4. Where the gap votes 1, no clusters, only a k far steadier than without clusters (PAC under half of pac_null) is
       suggested all the same; if there is none, 1. Neither of the two alone is proof that there are no clusters.

    Confidence is `high` for four votes or more, mean ARI of .8 or more and a PAC clearly better than the null's (under
    3/4), unless the k is the largest one tried or another has most votes once tiny clusters are allowed; `moderate` for
    three votes, and for k = 1 if no PAC is clearly better; `low` for fewer votes, where PAC is no better than the
    null's or the gap votes 1, where every k has a tiny cluster and where only one k could be judged; `none` without a
    suggestion.

    Held-out simulations (blobs and cohorts of 2 to 7 clusters, 80 to 170 samples, 5 to 169 dimensions; noise): of 36
    whose clusters k-means finds (ARI .8 or more) 33 are hit and 35 within one, of the 15 of 50 dimensions or more 14
    and 15, and none is told to have no clusters; by single criteria 24 to 33 of the 36 (eigengap 24, PAC 27, ARI and
    gap 32, prediction 33). Of 18 of pure noise 15 are told (gap 16, the others never), the rest being skewed or of one
    strong axis. `high` is right in 26 of 28. The half in step 4 and the two gap_se of `gap_choice` were settled after
    the first 48 of these 72; of the last 24, 13 of 14 are hit and 5 of 6 told.

    Parameters
    ----------
    stability : the table of `amucl.clustering.stability.stability_table` for one dataset and method. Where a criterion
        is NaN it does not vote.
    doubts : k -> warning of `amucl.clustering.collapse.trust_table`, empty or missing for none. A suggestion that it
        calls collapsed, unconfirmed, chance or duplicates has confidence `low`, however steady.

    Returns
    -------
    DataFrame
        One row, columns `COLUMNS`. suggested_k: Int64, missing where nothing could be judged. votes such as
        `ari: 3, pac: 3, gap: 4`. evidence: what speaks for the suggestion and what against, in words.
    """
    rows = stability.set_index("k").sort_index()
    judged = rows[(rows.index > 1) & rows[_VALUES].notna().any(axis=1)]
    tiny = judged["min_cluster"] < np.maximum(5, 0.03 * judged["n"])
    candidates = judged if tiny.all() else judged[~tiny]
    single = rows[rows.index == 1]
    votes = _votes(candidates, single)
    favourite = _favourite(votes, candidates)
    if favourite is None:
        k, confidence, evidence = pd.NA, "none", f"No number of clusters could be judged: {_reasons(rows)}."
    else:
        k, confidence, evidence = _decision(candidates, votes, favourite, judged)
        rival = _favourite(_votes(judged, single), judged)
        if confidence == "high" and rival != k:
            confidence = "moderate"
        evidence += _about_tiny(tiny, rival) if k > 1 else ""
        confidence, evidence = _with_doubts((doubts or {}).get(k), confidence, evidence)
    row = {
        "dataset": stability["dataset"].iloc[0],
        "method": stability["method"].iloc[0],
        "suggested_k": k,
        "confidence": confidence,
        "votes": ", ".join(f"{criterion}: {vote}" for criterion, vote in votes.items()),
        "evidence": evidence,
    }
    return pd.DataFrame([row], columns=COLUMNS).astype({"suggested_k": "Int64"})


def _votes(candidates: pd.DataFrame, single: pd.DataFrame) -> dict[str, int]:
    improvement = candidates["pac_null"].fillna(0) - candidates["pac"]
    votes = {
        "ari": _largest_as_good(candidates["ari_mean"], _AS_GOOD["ari"]),
        "pac": _largest_as_good(improvement, _AS_GOOD["pac"]),
        "gap": gap_choice(pd.concat([single, candidates])[["gap", "gap_se"]]),
        "eigengap": _largest_as_good(candidates["eigengap"].where(candidates["eigengap"] > 0), 0),
        "prediction": _largest_as_good(candidates["prediction_index"], _AS_GOOD["prediction"]),
    }
    return {criterion: k for criterion, k in votes.items() if k is not None}


def _largest_as_good(values: pd.Series, tolerance: float) -> int | None:
    """The largest k whose value is within `tolerance` of the highest."""
    values = values.dropna()
    return int(values.index[values >= values.max() - tolerance].max()) if len(values) else None


def _favourite(votes: dict[str, int], candidates: pd.DataFrame) -> int | None:
    """The k over 1 of most votes; of several, the one of the largest gap, then the smallest; None without a vote."""
    found = [k for k in votes.values() if k > 1]
    gaps = candidates["gap"].fillna(-np.inf)
    return max(candidates.index, key=lambda k: (found.count(k), gaps[k], -k), default=None) if found else None


def _decision(candidates: pd.DataFrame, votes: dict[str, int], k: int, judged: pd.DataFrame) -> tuple[int, str, str]:
    """Suggestion, confidence and evidence; `k` has most votes."""
    known = (candidates["pac"] + candidates["pac_null"]).notna()
    share = candidates["pac"] / candidates["pac_null"]
    if votes.get("gap") == 1 and known.any():
        far = candidates[share < _FAR_BETTER]
        if far.empty:
            confidence = "low" if (share < _BETTER_THAN_NULL).any() else "moderate"
            return 1, confidence, _no_clusters(share.idxmin(), candidates.loc[share.idxmin()])
        k = _favourite(votes, far)
    row, better = candidates.loc[k], bool(share[k] < _BETTER_THAN_NULL) if known[k] else None
    n_votes = sum(vote == k for vote in votes.values())
    tiny = row["min_cluster"] < max(5, 0.03 * row["n"])
    if better is False or votes.get("gap") == 1 or n_votes < 3 or tiny or len(candidates) < 2:
        confidence = "low"
    elif n_votes >= 4 and better and row["ari_mean"] >= _STABLE and k < judged.index.max():
        confidence = "high"
    else:
        confidence = "moderate"
    return k, confidence, " ".join(_evidence(k, row, votes, better, judged))


def _evidence(k: int, row: pd.Series, votes: dict[str, int], better: bool | None, judged: pd.DataFrame) -> list[str]:
    agreeing = [NAMES[criterion] for criterion, vote in votes.items() if vote == k]
    others = [f"{NAMES[criterion]} says {vote}" for criterion, vote in votes.items() if vote != k]
    against = f"; against it: {', '.join(others)}" if others else ""
    text = [f"{len(agreeing)} of {len(votes)} criteria say {k} ({', '.join(agreeing)}){against}."]
    if pd.notna(row["ari_mean"]):
        word = "come back" if row["ari_mean"] >= _STABLE else "come back only in part"
        text.append(f"The clusters {word} when part of the samples is left out (ARI {row['ari_mean']:.2f}; 1 is all).")
    if better is not None:
        beside = f"PAC {row['pac']:.2f}, without clusters {row['pac_null']:.2f}; 0 is best"
        text.append(
            f"They are steadier than chance would make them ({beside})."
            if better
            else f"Warning: one cloud without clusters splits as steadily ({beside})."
        )
    if votes.get("gap") == 1:
        text.append("Warning: by the gap statistic there are no clusters.")
    if len(judged) == 1:
        text.append("No other number was compared.")
    elif k == judged.index.max():
        text.append("It is the largest number tried: there may be more clusters.")
    return text


def _no_clusters(k: int, row: pd.Series) -> str:
    return (
        "Warning: nothing here is better than no clusters. The gap statistic prefers a single group, and no number of"
        f" clusters is far steadier than in one cloud without clusters ({k}, the best of them, has PAC {row['pac']:.2f}"
        f" against {row['pac_null']:.2f}; 0 is best)."
    )


def _with_doubts(doubt: str | None, confidence: str, evidence: str) -> tuple[str, str]:
    if not doubt or pd.isna(doubt):
        return confidence, evidence
    if any(word.startswith(_GRAVE) for word in doubt.split("; ")):
        return "low", f"{evidence} Warning: the data do not confirm what this embedding shows ({doubt})."
    return confidence, f"{evidence} Note: {doubt}."


def _about_tiny(tiny: pd.Series, rival: int) -> str:
    if not tiny.any():
        return ""
    if tiny.all():
        return " Every number of clusters has one of very few samples: look for outliers."
    text = f" Not considered, for a cluster of very few samples: {some(tiny.index[tiny], 10)}."
    return text + (f" If such clusters are wanted, {rival} has most votes." if tiny[rival] else "")


def _reasons(rows: pd.DataFrame) -> str:
    reasons = rows.loc[rows.index > 1, "status"].astype(str).str.replace("_", " ")
    return "; ".join(f"k = {k}: {reason}" for k, reason in reasons.items()) or "none was tried"
