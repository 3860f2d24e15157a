"""Reads a list of cases as JSON, one object each, and writes what scipy, statsmodels and scikit-learn say of them: a list of
numbers for each. What none of the three has is computed here from its definition, on rows of customers rather than counts."""

import json
import sys

import numpy as np
from scipy import special, stats
from sklearn import metrics
from statsmodels.stats import meta_analysis, multitest, power, proportion, weightstats


def rows(groups):
    """The scores and conversions of customers, one each."""
    scores, converted = [], []
    for g in groups:
        scores += [g["Score"]] * (g["Converted"] + g["Rest"])
        converted += [1] * g["Converted"] + [0] * g["Rest"]
    return np.array(scores), np.array(converted)


def delong(scores, converted):
    """The area and its interval by placements: each converter against all others, and the other way round."""
    pos, neg = scores[converted == 1], scores[converted == 0]
    wins = (pos[:, None] > neg[None, :]) + 0.5 * (pos[:, None] == neg[None, :])
    area = metrics.roc_auc_score(converted, scores)
    se = np.sqrt(wins.mean(axis=1).var(ddof=1) / len(pos) + wins.mean(axis=0).var(ddof=1) / len(neg))
    z = stats.norm.ppf(0.975)
    return [area, max(0, area - z * se), min(1, area + z * se)]


def bergsma(table):
    """Cramér's V with the correction of Bergsma (2013), of a table of any shape."""
    n, (r, c) = table.sum(), table.shape
    phi2 = max(0, stats.chi2_contingency(table, correction=False).statistic / n - (r - 1) * (c - 1) / (n - 1))
    return np.sqrt(phi2 / min(r - (r - 1) ** 2 / (n - 1) - 1, c - (c - 1) ** 2 / (n - 1) - 1))


def two(c):
    return (c["x1"], c["n1"], c["x2"], c["n2"])


def goodness(c):
    shares = np.array(c["shares"])
    return list(stats.chisquare(c["observed"], shares / shares.sum() * sum(c["observed"])))


def psi(c):
    p, q = (np.maximum(np.array(v) / sum(v), 1e-4) for v in (c["before"], c["after"]))
    return [special.rel_entr(p, q).sum() + special.rel_entr(q, p).sum()]


def welch(c):
    """The interval by statsmodels, of rows: each value so many times."""
    x, y = (weightstats.DescrStatsW(np.repeat(v, k)) for v, k in ((c["values1"], c["times1"]), (c["values2"], c["times2"])))
    return weightstats.CompareMeans(x, y).tconfint_diff(usevar="unequal")


def homogeneity(c):
    """Cochran's Q of differences of rates, the variances with a half added, over strata that expect five of each outcome."""
    d, v = [], []
    for s in c["strata"]:
        k, n = np.array([s["Converters1"], s["Converters2"]]), np.array([s["Customers1"], s["Customers2"]])
        if stats.contingency.expected_freq(np.array([k, n - k])).min() >= 5:
            p = (k + 0.5) / (n + 1)
            d.append(k[0] / n[0] - k[1] / n[1])
            v.append((p * (1 - p) / n).sum())
    test = meta_analysis.combine_effects(np.array(d), np.array(v)).test_homogeneity()
    return [test.statistic, test.df, test.pvalue]


ORACLES = {
    "welch": welch,
    "homogeneity": homogeneity,
    "wilson": lambda c: proportion.proportion_confint(c["k"], c["n"], method="wilson"),
    "newcombe": lambda c: proportion.confint_proportions_2indep(*two(c), compare="diff", method="newcomb"),
    "ratio": lambda c: proportion.confint_proportions_2indep(*two(c), compare="ratio", method="log-adjusted"),
    "z": lambda c: [proportion.proportions_ztest([c["x1"], c["x2"]], [c["n1"], c["n2"]])[1]],
    "fisher": lambda c: [stats.fisher_exact([[c["x1"], c["n1"] - c["x1"]], [c["x2"], c["n2"] - c["x2"]]]).pvalue],
    "benjamini_hochberg": lambda c: multitest.multipletests(c["ps"], method="fdr_bh")[1],
    "chi_square": lambda c: list(stats.chi2_contingency(np.array(c["rows"]), correction=False)[:3]),
    "goodness": goodness,
    "cramers_v": lambda c: [stats.contingency.association(np.array(c["rows"]), method="cramer", correction=False)],
    "cramers_v_corrected": lambda c: [bergsma(np.array(c["rows"]))],
    "information": lambda c: [metrics.mutual_info_score(None, None, contingency=np.array(c["rows"])) / np.log(2)],
    "entropy": lambda c: [stats.entropy([c["k"], c["n"] - c["k"]], base=2)],
    "psi": psi,
    "auc": lambda c: delong(*rows(c["groups"])),
    "tau_of_groups": lambda c: [stats.kendalltau(*rows(c["groups"])).statistic],
    "tau": lambda c: [stats.kendalltau(c["xs"], c["ys"]).statistic],
    "noncentral": lambda c: [stats.ncx2.sf(c["x"], c["df"], c["lambda"])],
    "power": lambda c: [power.NormalIndPower().power(
        proportion.proportion_effectsize(c["base"] + c["rise"], c["base"]), c["n1"], c["alpha"], ratio=c["n2"] / c["n1"])],
}

json.dump([[float(v) for v in ORACLES[c["what"]](c)] for c in json.load(sys.stdin)], sys.stdout)
