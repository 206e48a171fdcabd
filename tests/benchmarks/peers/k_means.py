"""A1: scikit-learn and faiss from the same centres; the objective is recomputed by one function."""

import sys
from pathlib import Path

import faiss
import numpy as np
from common import say, timed
from sklearn.cluster import KMeans

ITERATIONS = 25


def objective(x, centres):
    total = 0.0
    for begin in range(0, len(x), 4096):
        rows = x[begin : begin + 4096].astype(np.float64)
        scores = (centres.astype(np.float64) ** 2).sum(1) - 2 * rows @ centres.T.astype(np.float64)
        total += scores.min(1).sum() + (rows**2).sum()
    return total / len(x)


def main(folder, repeats=3):
    faiss.omp_set_num_threads(2)
    for file in sorted(Path(folder).glob("*.x.npy")):
        name = file.name.removesuffix(".x.npy")
        x, start = np.load(file), np.load(file.parent / f"{name}.start.npy")

        def scikit():
            return KMeans(256, init=start, n_init=1, max_iter=ITERATIONS, tol=0, algorithm="lloyd").fit(x)

        def faiss_kmeans():
            km = faiss.Kmeans(x.shape[1], 256, niter=ITERATIONS, max_points_per_centroid=10**9)
            km.train(x, init_centroids=start)
            return km

        times, found = timed(scikit, int(repeats), warm_up=True)
        say("A1", f"{name} scikit-learn", **times, iterations=found.n_iter_,
            objective_per_row=objective(x, found.cluster_centers_))
        times, found = timed(faiss_kmeans, int(repeats), warm_up=True)
        say("A1", f"{name} faiss", **times, iterations=ITERATIONS,
            objective_per_row=objective(x, found.centroids))


main(*sys.argv[1:])
