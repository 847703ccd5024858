"""How fast the low-rank solvers are beside the paper's iteration written literally, in the same run.

`make bench`, or parts of it: `PYTHONPATH=src:. python -m benchmarks.lowrank time_to_gap per_iteration`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import count, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from array_api_compat import array_namespace
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from sklearn.metrics import adjusted_rand_score

from amucl.figures.style import palette, save_figure, styled
from amucl.files import write_table
from amucl.methods.lowrank.arrays import host
from amucl.methods.lowrank.certificate import Certificate, Certifier
from amucl.methods.lowrank.family import SGLRR
from amucl.methods.lowrank.problem import Problem
from amucl.methods.lowrank.solvers import Iterate, _admm, _ladmap, solve_admm
from amucl.threads import limited_threads
from benchmarks.literal import literal_ladmap

OUT = Path("results", "bench")
K = 5
PROFILES = {"expression": 3.2, "centred": 0.0}  # length, relative to the rest of a sample
WANTED_GAP = 1e-2
WANTED_RATIO = 20
WANTED_AT = ("expression", 5000, 500)
CASES = (("expression", 700, 200), ("centred", 700, 200), WANTED_AT, ("centred", 5000, 500))
WANTED_GB = 4
CHECK_EVERY = 10
METHODS = {"ladmap": _ladmap, "admm": _admm}
SOLVERS = [("literal", "float64"), *product(METHODS, ("float64", "float32"))]


def subspaces(
    m: int, n: int, data: str = "expression", rank: int = 5, noise: float = 0.7, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Noisy samples of K random subspaces of dimension `rank`, and which each is of: (m, n) float32, (n,).

    Columns have unit length; `noise` is the length of a column's noise relative to its signal. "expression" adds a
    profile that all samples share, as logged expression has it: its direction holds 91 % of the squared norm, as in the
    eight cancers of joined8. "centred" lacks it.
    """
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % K
    X = rng.standard_normal((m, n), dtype=np.float32)
    X *= np.float32(noise / m**0.5)
    profile = rng.standard_normal((m, 1), dtype=np.float32)
    X += np.float32(PROFILES[data] * (1 + noise**2) ** 0.5 / np.linalg.norm(profile)) * profile
    for subspace in range(K):
        basis = np.linalg.qr(rng.standard_normal((m, rank), dtype=np.float32))[0]
        coordinates = rng.standard_normal((rank, np.count_nonzero(truth == subspace)), dtype=np.float32)
        X[:, truth == subspace] += basis @ (coordinates / np.linalg.norm(coordinates, axis=0))
    X /= np.linalg.norm(X, axis=0)
    return X, truth


def subspace_problem(m: int, n: int, dtype: str = "float64", device: str = "cpu", data: str = "expression") -> Problem:
    """sgLRR at its default weights on such samples."""
    return SGLRR(dtype=dtype, device=device)._problem(subspaces(m, n, data)[0].T)


def iterates(solver: str, problem: Problem) -> Iterator:
    """The stream of a solver's iterates on a rescaled problem; what it prepares counts for the first of them."""
    if solver == "literal":
        yield from literal_ladmap(problem)
    else:
        d, V = array_namespace(problem.X).linalg.eigh(problem.X.T @ problem.X)
        yield from METHODS[solver](problem, d, V)


def timed(call: Callable, *arguments: Any) -> tuple[Any, float]:
    """The call's result and its seconds."""
    begin = time.perf_counter()
    result = call(*arguments)
    return result, time.perf_counter() - begin


def in_own_process(call: Callable, *arguments: Any, threads: int = 1) -> tuple[Any, float]:
    """The call's result and the peak memory (GB) of a new process that makes nothing else.

    The system counts a parent's memory as its children's: everything large is done in such a process.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_with_peak, call, arguments, threads).result()


def _with_peak(call: Callable, arguments: tuple, threads: int) -> tuple[Any, float]:
    with limited_threads(threads):
        result = call(*arguments)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return result, kilobytes / 2**20


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)


# Time to the same certified gap, and the curves that lead there.


def trace(solver: str, dtype: str, data: str, m: int, n: int, goal: float, max_seconds: float) -> pd.DataFrame:
    """Gap, r1 and r2 of every tenth iterate until all are at most `goal`, or `max_seconds` of iterations have passed.

    All solvers are judged by one certifier in float64, with every repair; its time (`certifying`) is not in `seconds`.
    """
    problem = subspace_problem(m, n, data=data).rescaled()
    certifier = Certifier(problem, *np.linalg.eigh(problem.X.T @ problem.X))
    stream = iterates(solver, subspace_problem(m, n, dtype, data=data).rescaled())
    rows, dual, seconds, certifying = [], -np.inf, 0.0, 0.0
    for iteration in count(1):
        iterate, spent = timed(next, stream)
        seconds += spent
        if iteration % CHECK_EVERY:
            continue
        (certificate, r1, r2), spent = timed(judge, problem, certifier, iterate)
        certifying += spent
        dual = max(dual, certificate.dual)
        gap = Certificate(certificate.primal, dual).gap
        rows.append((data, m, n, solver, dtype, iteration, seconds, certifying, gap, r1, r2))
        if max(gap, r1, r2) <= goal or seconds > max_seconds:
            break
    columns = ["data", "m", "n", "solver", "dtype", "iteration", "seconds", "certifying", "gap", "r1", "r2"]
    return pd.DataFrame(rows, columns=columns)


def judge(problem: Problem, certifier: Certifier, iterate: tuple) -> tuple[Certificate, float, float]:
    """Certificate, r1 = ||X - XZ - E|| / ||X|| and r2 = ||Z - J|| / ||Z|| of any solver's iterate, in float64."""
    if isinstance(iterate, Iterate):
        Z, J, Y2, noise = (host(x).astype(np.float64) for x in (iterate.Z, iterate.J, iterate.Y2, iterate.noise))
        Y1 = problem.clip_noise(noise)
        E = (noise - Y1) / iterate.mu
    else:
        Z, J, E, Y1, Y2, _ = iterate
        Y1 = problem.clip_noise(Y1)  # a copy, which the certifier may overwrite
    X = problem.X
    r1 = np.linalg.norm(X - X @ Z - E) / np.linalg.norm(X)
    r2 = np.linalg.norm(Z - J) / max(np.linalg.norm(Z), np.finfo(float).tiny)
    return certifier(Z, J, Y1, Y2), r1, r2


def arrival(curve: pd.DataFrame) -> dict:
    """The first check at which a curve is within the wanted gap, or its last; `reached` says which."""
    there = curve[["gap", "r1", "r2"]].max(axis=1) <= WANTED_GAP
    row = curve.loc[there.idxmax()] if there.any() else curve.iloc[-1]
    return row.to_dict() | {"reached": bool(there.any())}


def time_to_gap(cases: tuple = CASES, goal: float = 5e-3, max_seconds: float = 900.0) -> list[str]:
    """Seconds to the wanted gap, ratios to the literal iteration, curves down to a gap of `goal`."""
    curves, rows = [], []
    for case, (solver, dtype) in product(cases, SOLVERS):
        curve, _ = in_own_process(trace, solver, dtype, *case, goal, max_seconds)
        curves.append(curve)
        row = arrival(curve)
        if solver == "literal":
            literal = row
        ratio = literal["seconds"] / row["seconds"] if row["reached"] else np.nan
        rows.append(row | {"ratio": ratio, "lower_bound": not literal["reached"]})
        say(f"time to gap, {case[0]} {case[1]} x {case[2]}, {solver} {dtype}: {told(rows[-1])}")
    curves, table = pd.concat(curves, ignore_index=True), pd.DataFrame(rows)
    write_table(table, OUT / "lowrank_time_to_gap.tsv")
    write_table(curves, OUT / "lowrank_gaps.tsv")
    save_figure(draw_curves(curves), OUT / "lowrank_gaps.png")
    wanted = (table[["data", "m", "n"]] == WANTED_AT).all(axis=1) & (table["solver"] == "admm")
    ratios = table.loc[wanted & (table["dtype"] == "float64"), "ratio"]  # the default for so few samples
    if WANTED_AT in cases and not (ratios >= WANTED_RATIO).all():
        return [f"ADMM is not {WANTED_RATIO} times faster than the literal iteration to the same gap"]
    return []


def told(row: dict) -> str:
    """One arrival in words."""
    after = f"{row['iteration']} iterations, {row['seconds']:.2f} s (+ {row['certifying']:.2f} s of certificates)"
    if not row["reached"]:
        return f"gap {row['gap']:.1e}, r1 {row['r1']:.1e}, r2 {row['r2']:.1e} only after {after}"
    bound = "at least " if row["lower_bound"] else ""
    return f"gap {row['gap']:.1e} after {after}, {bound}{row['ratio']:.1f} times faster than the literal"


@styled
def draw_curves(curves: pd.DataFrame) -> Figure:
    """Gap over seconds of iterations, one panel a size."""
    sizes = list(curves.groupby(["data", "m", "n"], sort=False))
    colours = palette(curves["solver"].unique())
    figure = Figure(figsize=(2.6 * len(sizes), 2.3), layout="constrained")
    for axes, ((data, m, n), size) in zip(figure.subplots(1, len(sizes), squeeze=False)[0], sizes, strict=True):
        for (solver, dtype), curve in size.groupby(["solver", "dtype"], sort=False):
            style = "-" if dtype == "float64" else "--"
            axes.plot(curve["seconds"], curve["gap"], style, color=colours[solver], label=f"{solver}, {dtype}")
        axes.axhline(WANTED_GAP, color="#999999", linewidth=0.6)
        axes.set(xscale="log", yscale="log", xlabel="seconds", ylabel="certified gap", title=f"{data}, {m} x {n}")
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend()
    return figure


# Seconds an iteration and memory.


def seconds_an_iteration(
    solver: str, dtype: str, m: int, n: int, device: str = "cpu", iterations: int = 20, max_seconds: float = 10.0
) -> float:
    """Median of the later half of some iterations: of as many as `max_seconds` hold, but two at least."""
    stream, seconds = iterates(solver, subspace_problem(m, n, dtype, device).rescaled()), []
    while len(seconds) < 2 or (len(seconds) < iterations and sum(seconds) < max_seconds):
        seconds.append(timed(step, stream, device)[1])
    return float(np.median(seconds[len(seconds) // 2 :]))


def step(stream: Iterator, device: str) -> None:
    """One iteration, until the device has done it."""
    next(stream)
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()


def per_iteration(ms: tuple = (700, 5000, 20000), ns: tuple = (200, 500, 1000, 2300)) -> list[str]:
    """Seconds an iteration, ratio to the literal one, peak memory, each in a process of its own.

    No size is left out: where one iteration of the literal outlasts the time for all, it makes two.
    """
    rows = []
    for m, n, (solver, dtype) in product(ms, ns, SOLVERS):
        seconds, peak = in_own_process(seconds_an_iteration, solver, dtype, m, n)
        if solver == "literal":
            literal = seconds
        rows.append((m, n, solver, dtype, seconds, literal / seconds, peak))
        figures = f"{seconds:.4f} s, {literal / seconds:.1f} times faster than the literal, peak memory {peak:.2f} GB"
        say(f"an iteration, {m} x {n}, {solver} {dtype}: {figures}")
    columns = ["m", "n", "solver", "dtype", "seconds", "ratio", "peak_gb"]
    write_table(pd.DataFrame(rows, columns=columns), OUT / "lowrank_per_iteration.tsv")
    return []


# Large cohorts.


def solved(m: int, n: int, device: str = "cpu") -> dict:
    """Seconds and quality of one solution in float32, certificates included."""
    problem = subspace_problem(m, n, "float32", device)
    solution, seconds = timed(solve_admm, problem)
    row = {"m": m, "n": n, "device": device, "seconds": seconds, "iterations": solution.iterations}
    return row | solution.history.iloc[-1][["gap", "r1", "r2", "rank"]].to_dict() | {"converged": solution.converged}


def large(m: int = 20_000, n: int = 2300, threads: int = 2) -> list[str]:
    """A pan-cancer cohort to a certified gap of 1e-2, in float32."""
    row, peak = in_own_process(solved, m, n, threads=threads)
    write_table(pd.DataFrame([row | {"threads": threads, "peak_gb": peak}]), OUT / "lowrank_large.tsv")
    state = f"{row['seconds']:.0f} s, {row['iterations']} iterations, gap {row['gap']:.1e}, peak memory {peak:.2f} GB"
    say(f"large, {m} x {n}, float32, {threads} threads: {state}")
    failures = [] if row["converged"] else ["the large cohort did not converge"]
    return failures + ([f"the large cohort took {peak:.2f} GB"] if peak >= WANTED_GB else [])


def with_landmarks(m: int, n: int, n_landmarks: int) -> dict:
    """Seconds and ARI to the truth of a cohort by landmarks."""
    X, truth = subspaces(m, n)
    model, seconds = timed(SGLRR(K, landmarks=n_landmarks, dtype="float32").fit, X.T)
    ari = adjusted_rand_score(truth, model.labels_)
    return {"m": m, "n": n, "landmarks": n_landmarks, "seconds": seconds, "ari_truth": ari}


def landmark_errors(m: int, n: int, numbers: tuple) -> pd.DataFrame:
    """How far landmarks are from the exact method, which is the first row: every sample a landmark."""
    X, truth = subspaces(m, n)
    exact, seconds = timed(SGLRR(K, dtype="float32").fit, X.T)
    affinity, models = exact.affinity_, [(n, exact, seconds)]
    for n_landmarks in numbers:
        models.append((n_landmarks, *timed(SGLRR(K, landmarks=n_landmarks, dtype="float32").fit, X.T)))
    rows = [
        {
            "m": m,
            "n": n,
            "landmarks": n_landmarks,
            "seconds": seconds,
            "ari_truth": adjusted_rand_score(truth, model.labels_),
            "ari_exact": adjusted_rand_score(exact.labels_, model.labels_),
            "mean_affinity": model.affinity_.mean(),
            "mean_affinity_difference": np.abs(affinity - model.affinity_).mean(),
        }
        for n_landmarks, model, seconds in models
    ]
    return pd.DataFrame(rows)


def landmarks(
    m: int = 700, n: int = 10_000, number: int = 1000, n_exact: int = 2000, numbers: tuple = (250, 500, 1000)
) -> list[str]:
    """A cohort too large for the exact method, and the error of landmarks where it is not."""
    row, peak = in_own_process(with_landmarks, m, n, number)
    write_table(pd.DataFrame([row | {"peak_gb": peak}]), OUT / "lowrank_landmarks.tsv")
    state = f"{row['seconds']:.0f} s, peak memory {peak:.2f} GB, ARI to the truth {row['ari_truth']:.3f}"
    say(f"{number} landmarks, {m} x {n}, float32: {state}")
    table, _ = in_own_process(landmark_errors, m, n_exact, numbers)
    write_table(table, OUT / "lowrank_landmark_errors.tsv")
    say(f"exact method, {m} x {n_exact}: {table['seconds'][0]:.0f} s, ARI to the truth {table['ari_truth'][0]:.3f}")
    for found in table.iloc[1:].itertuples():
        difference = f"mean |difference| of the affinities {found.mean_affinity_difference:.4f}"
        against = f"{difference} (the exact mean is {table['mean_affinity'][0]:.4f})"
        quality = f"ARI to the exact labels {found.ari_exact:.3f}, to the truth {found.ari_truth:.3f}"
        say(f"{found.landmarks} landmarks, {m} x {n_exact}: {found.seconds:.0f} s, {quality}, {against}")
    return []


# A GPU.


def has_gpu() -> bool:
    """Whether torch finds one."""
    import torch

    return torch.cuda.is_available()


def device_memory(call: Callable, *arguments: Any) -> tuple[Any, float]:
    """The call's result and the peak memory (GB) that torch took on the GPU."""
    import torch

    result = call(*arguments)
    return result, torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else np.nan


def differences(m: int, n: int, dtype: str, device: str) -> tuple[float, int, int]:
    """max |Z - Z_cpu| between a device's solution and NumPy's, and the iterations of both."""
    there, here = (solve_admm(subspace_problem(m, n, dtype, where)) for where in (device, "numpy"))
    return float(np.abs(host(there.Z) - here.Z).max()), there.iterations, here.iterations


def gpu(
    ms: tuple = (700, 5000, 20000),
    ns: tuple = (200, 500, 1000, 2300),
    compared: tuple[int, int] = WANTED_AT[1:],
    biggest: tuple[int, int] = (20_000, 2300),
    device: str = "cuda",
) -> list[str]:
    """Seconds an iteration, the large cohort, and agreement with NumPy, on a GPU where there is one."""
    if device == "cuda" and not in_own_process(has_gpu)[0]:
        say("gpu: there is none here")
        return []
    rows = []
    for m, n, solver, dtype in product(ms, ns, METHODS, ("float64", "float32")):
        (seconds, peak), _ = in_own_process(device_memory, seconds_an_iteration, solver, dtype, m, n, device)
        rows.append((m, n, solver, dtype, seconds, peak))
        say(f"gpu, an iteration, {m} x {n}, {solver} {dtype}: {seconds:.4f} s, {peak:.2f} GB on the device")
    columns = ["m", "n", "solver", "dtype", "seconds", "device_gb"]
    write_table(pd.DataFrame(rows, columns=columns), OUT / "lowrank_gpu_per_iteration.tsv")
    (row, peak), _ = in_own_process(device_memory, solved, *biggest, device)
    write_table(pd.DataFrame([row | {"device_gb": peak}]), OUT / "lowrank_gpu_large.tsv")
    state = f"{row['seconds']:.1f} s, {row['iterations']} iterations, gap {row['gap']:.1e}, {peak:.2f} GB on the device"
    say(f"gpu, {biggest[0]} x {biggest[1]}, float32: {state}")
    for dtype in ("float64", "float32"):
        (largest, there, here), _ = in_own_process(differences, *compared, dtype, device)
        agreement = f"max |Z - Z_cpu| = {largest:.1e} after {there} and {here} iterations"
        say(f"gpu, {compared[0]} x {compared[1]}, {dtype}: {agreement}")
    return []


PARTS = {part.__name__: part for part in (time_to_gap, per_iteration, large, landmarks, gpu)}


def main() -> None:
    """Run the parts named on the command line, or all; fail where a wanted figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)} (default: all)")
    chosen = parser.parse_args().parts or list(PARTS)
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    failures = [failure for part in chosen for failure in PARTS[part]()]
    if failures:
        sys.exit("; ".join(failures))


if __name__ == "__main__":
    main()
