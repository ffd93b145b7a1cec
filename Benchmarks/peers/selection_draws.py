"""How a sum of one-sided scores performs with other anchors and other shares of bad samples. Usage:

    clues score BUNDLE… --recipe RECIPE -o scores.jsonl
    selection_draws.py scores.jsonl labels.jsonl [--both ifd,perplexity] [--share 0.2,0.5,0.8] [--k 1,1.5,2]
                       [--centres shrunk|pooled] [--anchors 10] [--draws 200] [--without KIND]

First with the clients' own anchors; then with draws of other clean samples as anchors, as many per client, and the rest
thinned to the share of bad samples. Prints median, 5th and 95th percentile of the draws. F1 is with the threshold of
anchor-sigma for each k, and of anchor-mixture. Everything is recomputed in numpy; only the scores of the single scorers
are from clues.
"""

import argparse
import json
import os
import sys

import numpy as np

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Tests/Fixtures/thresholds"))
from anchor_mixture import anchor_mixture


def read(scores: str, labels: str):
    """The scores as [scorer][row], and for every row its client, kind and whether it is an anchor."""
    kinds = {(row["client"], row["id"]): row["corruption"] for row in map(json.loads, open(labels))}
    rows = [row for row in map(json.loads, open(scores)) if row["split"] != "validation"]
    rows = [row for row in rows if all(value is not None for value in row["scores"].values())]
    clients = sorted({row["client"] for row in rows})
    is_anchor = np.array([row["split"] == "anchor" for row in rows])
    kind = np.array(["none" if row["split"] == "anchor" else kinds[row["client"], row["id"]] for row in rows])
    values = {name: np.array([row["scores"][name] for row in rows]) for name in rows[0]["scores"]}
    return values, np.array([clients.index(row["client"]) for row in rows]), kind, is_anchor


def standardised(x, client, anchor, centres):
    """Scores minus their client's centre, in deviations of the anchors."""
    if centres == "pooled":
        return (x - x[anchor].mean()) / x[anchor].std(ddof=1)
    groups = [x[anchor & (client == place)] for place in range(client.max() + 1)]
    counts = np.array([len(group) for group in groups])
    means = np.array([group.mean() for group in groups])
    within = sum(((group - group.mean()) ** 2).sum() for group in groups) / (counts.sum() - len(groups))
    between = max(0.0, means.var(ddof=1) - within * (1 / counts).mean()) if len(groups) > 1 else 0.0
    middle = x[anchor].mean()
    centre = middle + (means - middle) * between / (between + within / counts)
    return (x - centre[client]) / np.sqrt(within)


def totals(values, client, anchor, both, centres):
    total = np.zeros(len(client))
    for name, x in values.items():
        z = standardised(x, client, anchor, centres)
        total += np.minimum(z, 0) - (np.maximum(z - 2, 0) if name in both else 0)
    return total


def auroc(good, bad):
    """The probability that a good one scores above a bad one; ties count half."""
    order = np.sort(bad)
    return (np.searchsorted(order, good, "left") + np.searchsorted(order, good, "right")).mean() / (2 * len(bad))


def f1(good, bad, threshold):
    kept = (good >= threshold).sum()
    return 2 * kept / (kept + (bad >= threshold).sum() + len(good))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("scores")
    parser.add_argument("labels")
    parser.add_argument("--both", default="ifd,perplexity")
    parser.add_argument("--share", default="0.2,0.5,0.8")
    parser.add_argument("--k", default="1,1.5,2")
    parser.add_argument("--centres", choices=["shrunk", "pooled"], default="shrunk")
    parser.add_argument("--anchors", type=int, default=10)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--without", default="")
    asked = parser.parse_args()
    values, client, kind, is_anchor = read(asked.scores, asked.labels)
    is_good, both = kind == "none", asked.both.split(",")
    ks = [float(k) for k in asked.k.split(",")]

    def measure(anchor, used):
        total = totals(values, client, anchor, both, asked.centres)
        good, bad, own = total[used & is_good], total[used & ~is_good], total[anchor]
        thresholds = [own.mean() - k * own.std(ddof=1) for k in ks] + [anchor_mixture(own, total[used])["threshold"]]
        return [auroc(good, bad)] + [f1(good, bad, threshold) for threshold in thresholds]

    total = totals(values, client, is_anchor, both, asked.centres)
    kept = ~is_anchor & (kind != asked.without)
    print("own anchors: AUROC, F1 at k =", asked.k, "and of anchor-mixture", np.round(measure(is_anchor, kept), 3))
    clients = range(client.max() + 1)
    within = [auroc(total[kept & is_good & (client == c)], total[kept & ~is_good & (client == c)]) for c in clients]
    print("  within clients", np.round(within, 3))
    for one in sorted(set(kind) - {"none"}):
        found = [auroc(total[~is_anchor & is_good & (client == c)], total[(kind == one) & (client == c)]) for c in clients]
        print(f"  {one}: {np.mean(found):.2f}")

    random = np.random.default_rng(0)
    for share in [float(share) for share in asked.share.split(",")]:
        drawn = []
        for _ in range(asked.draws):
            anchor, used = np.zeros(len(client), bool), np.zeros(len(client), bool)
            for place in clients:
                good = random.permutation(np.flatnonzero((client == place) & is_good))
                bad = random.permutation(np.flatnonzero((client == place) & ~is_good & (kind != asked.without)))
                anchor[good[: asked.anchors]] = True
                good = good[asked.anchors :]
                size = min(len(good) / (1 - share), len(bad) / share)
                used[good[: round(size * (1 - share))]] = True
                used[bad[: round(size * share)]] = True
            drawn.append(measure(anchor, used))
        low, median, high = np.quantile(drawn, [0.05, 0.5, 0.95], axis=0)
        cells = [f"{m:.3f} [{a:.3f}, {b:.3f}]" for a, m, b in zip(low, median, high)]
        print(f"{share:.0%} bad: AUROC {cells[0]}, F1", ", ".join(cells[1:]))


if __name__ == "__main__":
    main()
