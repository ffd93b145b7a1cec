"""The threshold rule anchor-mixture in float64 numpy, written apart from the plugin.

  python3 anchor_mixture.py make                        writes cases.json, which the tests compare the plugin with
  python3 anchor_mixture.py worlds                      F1 of rules on made-up scores of known classes

Benchmarks/peers/selection_draws.py has its F1 on scored samples with labels.
"""

import json
import os
import sys

import numpy as np

CLIP, NODES, PULL = 20.0, 128, 3.0


def groups(sorted_values):
    """At most NODES means of neighbours, and how many values each stands for."""
    n = len(sorted_values)
    count = min(n, NODES)
    edges = [i * n // count for i in range(count + 1)]
    return (np.array([sorted_values[a:b].mean() for a, b in zip(edges[:-1], edges[1:])]), np.diff(edges).astype(float))


def moments(weights, values, extra, extra_weights, mean, variance):
    """Mean and variance of weighted values and of PULL values more with this mean and variance."""
    n = weights.sum(1) + extra_weights.sum() + PULL
    m = (weights @ values + extra_weights @ extra + PULL * mean) / n
    squares = (weights * (values[None] - m[:, None]) ** 2).sum(1)
    squares += (extra_weights[None] * (extra[None] - m[:, None]) ** 2).sum(1)
    return m, (squares + PULL * variance) / n


def log_normal(values, m, v):
    return -0.5 * (values[None] - m[:, None]) ** 2 / v[:, None] - 0.5 * np.log(2 * np.pi * v)[:, None]


def anchor_mixture(anchors, train, k=1.5, shape=2.0):
    """Threshold, share of good samples, its standard error, estimated F1 and misfit of the anchors."""
    anchors, train = np.sort(anchors), np.sort(train)
    mean, deviation = anchors.mean(), anchors.std(ddof=1)
    z_anchor = np.clip((anchors - mean) / deviation, -CLIP, CLIP)
    z = np.clip((train - mean) / deviation, -CLIP, CLIP)
    a, wa = groups(z_anchor)
    u, w = groups(z)
    cut, slope = [x.ravel()[:, None] for x in np.meshgrid(
        -k + np.arange(-14, 13) * 0.25, 2 * np.exp(0.3 * np.arange(-4, 5)), indexing="ij")]
    p = 1 / (1 + np.exp(-slope * (np.arcsinh(u)[None] - np.arcsinh(cut))))
    share = np.clip(p @ w / w.sum(), 1e-12, 1 - 1e-12)
    log_p_anchor = -np.logaddexp(0, -slope * (np.arcsinh(a)[None] - np.arcsinh(cut)))
    log = log_p_anchor @ wa - wa.sum() * np.log(share)
    log += -0.5 * (cut[:, 0] + k) ** 2 - 0.5 * (np.log(slope[:, 0] / 2) / 0.6) ** 2
    none = np.zeros(0)
    good = moments(p * w, u, a, wa, 0.0, 1.0)
    bad = moments((1 - p) * w, u, none, none, -3.0, 4.0)
    mixed = np.logaddexp(np.log(share)[:, None] + log_normal(u, *good), np.log1p(-share)[:, None] + log_normal(u, *bad))
    log += min(1.0, shape * wa.sum() / w.sum()) * (mixed @ w + log_normal(a, *good) @ wa)
    posterior = np.exp(log - log.max())
    posterior /= posterior.sum()
    estimate = posterior @ share
    error = np.sqrt(posterior @ (share - estimate) ** 2)
    chance = np.interp(z, u, posterior @ p)
    kept = np.cumsum(chance[::-1])
    f1 = 2 * kept / (np.arange(1, len(z) + 1) + kept[-1])
    f1[:-1][train[::-1][1:] == train[::-1][:-1]] = -1  # a threshold parts no equals
    best = int(np.argmax(f1))
    places = np.concatenate([z_anchor, z])
    cumulated = np.concatenate([[0], np.cumsum(chance) / chance.sum()])
    misfit = np.sqrt(len(anchors)) * np.abs(
        np.searchsorted(z_anchor, places, side="right") / len(anchors)
        - cumulated[np.searchsorted(z, places, side="right")]).max()
    return dict(
        threshold=float(train[::-1][best]), share=float(estimate), error=float(error), f1=float(f1[best]),
        misfit=float(misfit))


def world(kind, rng, bad, samples=720, anchors=30):
    """Anchors, scores and which of them are good: classes that are none of the rule's own."""
    n = samples + anchors
    good = np.concatenate([np.ones(anchors, bool), rng.random(samples) >= bad])
    if kind.startswith("shortfall") or kind == "sum":
        respects = 3 if kind == "shortfall-3" else 4
        z = rng.standard_normal((n, respects)) @ np.linalg.cholesky(0.7 * np.eye(respects) + 0.3).T
        kinds = rng.choice([0.0, 1.0, 2.5, 4.0], size=(6, respects))
        kinds[kinds.sum(1) == 0, 0] = 3
        z[~good] = 1.3 * z[~good] - kinds[rng.integers(0, 6, (~good).sum())]
        z = (z - z[:anchors].mean(0)) / z[:anchors].std(0, ddof=1)
        x = (z if kind == "sum" else np.minimum(z, 0)).sum(1)
    else:
        normal = rng.standard_normal
        classes = {
            "normal": lambda: (normal(n), -2.5 + 1.5 * normal(n)),
            "close": lambda: (normal(n), -1.7 + normal(n)),
            "skewed": lambda: (-rng.gamma(2, 1, n), -2 - rng.gamma(4, 1.5, n)),
            "heavy": lambda: (rng.standard_t(3, n), -4 + 1.5 * rng.standard_t(3, n)),
            "two": lambda: (normal(n), np.where(rng.random(n) < 0.5, -2 + normal(n), -6 + 2 * normal(n))),
        }
        x = np.where(good, *classes[kind]())
    return x[:anchors], x[anchors:], good[anchors:]


WORLDS = ["shortfall-4", "shortfall-3", "sum", "normal", "close", "skewed", "heavy", "two"]
SIGMAS = [0.5, 1.0, 1.5, 2.0]


def f1(scores, good, threshold):
    kept = scores >= threshold
    return 2 * (kept & good).sum() / (kept.sum() + good.sum())


def rates(anchors, train, good):
    """F1 of anchor-mixture, of every fixed k and of the best threshold; and how far the estimated share is off."""
    result = anchor_mixture(anchors, train)
    fixed = [f1(train, good, anchors.mean() - k * anchors.std(ddof=1)) for k in SIGMAS]
    best = max(f1(train, good, t) for t in np.unique(train))
    return [f1(train, good, result["threshold"]), *fixed, best, result["share"] - good.mean()]


def show(name, rows):
    mean = np.mean(rows, 0)
    print(f"{name:26}" + "".join(f"{value:9.3f}" for value in mean[:-1]) + f"{mean[-1]:+9.3f} ±{np.std(rows, 0)[-1]:.3f}")


def head():
    print(f"{'':26}{'mixture':>9}" + "".join(f"{f'k={k}':>9}" for k in SIGMAS) + f"{'best':>9}{'share off by':>15}")


def worlds():
    head()
    means = {}
    for kind in WORLDS:
        for bad in (0, 0.05, 0.2, 0.5, 0.8, 0.95):
            rows = [rates(*world(kind, np.random.default_rng(1000 + draw), bad)) for draw in range(20)]
            show(f"{kind}, {bad:.0%} bad", rows)
            means.setdefault(bad, []).append(np.mean(rows, 0))
    for bad, rows in means.items():
        show(f"mean of all, {bad:.0%} bad", rows)
    show("mean of all", sum(means.values(), []))


def make():
    cases = []
    for seed, (kind, bad, samples, anchors) in enumerate([
        ("normal", 0.5, 720, 30), ("shortfall-4", 0.2, 720, 30), ("shortfall-3", 0.8, 300, 20), ("heavy", 0.5, 400, 30),
        ("skewed", 0.95, 720, 30), ("two", 0.5, 100, 12), ("normal", 0.0, 500, 30), ("close", 0.5, 40, 15)]):
        a, t, _ = world(kind, np.random.default_rng(seed), bad, samples, anchors)
        a, t = np.round(a, 6) + 0.0, np.round(t, 6) + 0.0
        cases.append(dict(world=kind, bad=bad, anchors=a.tolist(), train=t.tolist(), expected=anchor_mixture(a, t)))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json")
    with open(path, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    for case in cases:
        print(case["world"], case["bad"], case["expected"])


if __name__ == "__main__":
    if sys.argv[1:] == ["make"]:
        make()
    elif sys.argv[1:] == ["worlds"]:
        worlds()
    else:
        sys.exit(__doc__)
