"""G1: sentence-transformers on the same texts: encode() with its own batches, sorted by length."""

import os
import sys
from pathlib import Path

import numpy as np
import torch
from common import rows, say, timed
from sentence_transformers import SentenceTransformer


def main(folder, model):
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    texts = rows(Path(folder) / "item_texts.jsonl")
    dtype = getattr(torch, os.environ.get("PEER_PRECISION", "float32"))
    encoder = SentenceTransformer(model, device=os.environ.get("PEER_DEVICE", "cpu"), model_kwargs={"dtype": dtype})
    encoder.encode(texts[:64])
    for batch_size in (32, 128):
        times, vectors = timed(lambda: encoder.encode(texts, batch_size=batch_size, show_progress_bar=False))
        ours = np.load(Path(folder) / "item_vectors.npy")
        say("G1", f"sentence-transformers, batch {batch_size}", **times, texts=len(texts),
            texts_per_second=len(texts) / times["seconds"], farthest=float(np.abs(vectors.astype(np.float32) - ours).max()))


main(*sys.argv[1:])
