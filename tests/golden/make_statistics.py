#!/usr/bin/env python3
"""Writes statistics.json: what scipy and statsmodels say of random rows, and of p-values.

    python3 -m venv peer && peer/bin/pip install scipy statsmodels
    peer/bin/python tests/golden/make_statistics.py
"""
import json
import pathlib

import numpy
import scipy.stats
import statsmodels.api
import statsmodels.stats.contingency_tables
import statsmodels.stats.multitest
import statsmodels.stats.power
import statsmodels.stats.weightstats

RANDOM = numpy.random.default_rng(2107)


def permutation(users, rows_of_user, effect):
    """All sign flips of the users' sums, by scipy."""
    user = numpy.repeat(numpy.arange(users), rows_of_user)
    a = RANDOM.normal(size=user.size)
    b = a + effect + RANDOM.normal(size=user.size)
    sums = numpy.bincount(user, b - a)
    test = scipy.stats.permutation_test((sums,), numpy.sum, permutation_type="samples", n_resamples=numpy.inf, alternative="two-sided")
    return {"user": user.tolist(), "a": a.tolist(), "b": b.tolist(), "p": float(test.pvalue)}


def clustered(users, effect):
    """The standard error of a mean with users of unequal size, by a regression on a constant."""
    user = numpy.repeat(numpy.arange(users), RANDOM.integers(1, 5, users))
    difference = effect + RANDOM.normal(size=users)[user] + RANDOM.normal(size=user.size)
    fit = statsmodels.api.OLS(difference, numpy.ones(user.size)).fit(cov_type="cluster", cov_kwds={"groups": user})
    return {"user": user.tolist(), "difference": difference.tolist(), "standard_error": float(fit.bse[0])}


def paired(users, effect, margin):
    """One row a user: equivalence by two one-sided t tests, and the effect of 80 % power by the noncentral t."""
    a = RANDOM.normal(size=users)
    b = a + effect + 0.3 * RANDOM.normal(size=users)
    p = statsmodels.stats.weightstats.ttost_paired(b, a, -margin, margin)[0]
    size = statsmodels.stats.power.TTestPower().solve_power(nobs=users, alpha=0.05, power=0.8)
    return {"a": a.tolist(), "b": b.tolist(), "margin": margin, "p": float(p), "detectable": float(size * numpy.std(b - a, ddof=1))}


def main():
    p_values = [RANDOM.uniform(size=n).tolist() for n in (1, 2, 7, 30)] + [[0.01, 0.01, 0.04, 0.04, 1.0], (RANDOM.uniform(size=12) ** 3).tolist()]
    golden = {
        "permutation": [permutation(*case) for case in ((5, 1, 0.0), (9, 3, 0.4), (12, 2, 0.7), (17, 1, 0.5))],
        "clustered": [clustered(*case) for case in ((6, 0.0), (40, 0.1))],
        "paired": [paired(*case) for case in ((8, 0.0, 0.3), (50, 0.05, 0.2), (400, 0.1, 0.1))],
        "corrections": [{"p": p, **{name: statsmodels.stats.multitest.multipletests(p, method=method)[1].tolist()
                                    for name, method in (("holm", "holm"), ("benjamini_hochberg", "fdr_bh"))}} for p in p_values],
        "mcnemar": [{"only_a": b, "only_b": c, "p": float(statsmodels.stats.contingency_tables.mcnemar([[7, b], [c, 5]], exact=True).pvalue)}
                    for b, c in ((0, 1), (3, 9), (20, 41), (100, 100), (150, 110))],
        "student": [{"t": t, "degrees": degrees, "tail": float(scipy.stats.t.sf(t, degrees)), "share": share,
                     "quantile": float(scipy.stats.t.ppf(share, degrees))}
                    for degrees in (1, 1.7, 2, 5.25, 30, 1986, 250000)
                    for t, share in ((0.0, 0.6), (0.31, 0.8), (1.96, 0.975), (-1.2, 0.05), (6.5, 0.9999))],
    }
    file = pathlib.Path(__file__).parent / "statistics.json"
    file.write_text(json.dumps(golden) + "\n")
    print(f"wrote {file}")


if __name__ == "__main__":
    main()
