"""What the peers share: the bench world's files, and one JSON line a measurement."""

import json
import os
import resource
import statistics
import time
from pathlib import Path


def rows(file):
    with open(file) as lines:
        return [json.loads(line) for line in lines]


def world(folder):
    folder = Path(folder)
    facts = json.loads((folder / "facts.json").read_text())
    return folder, facts


def catalogue_trie(folder, suffix):
    """prefix of a completion (tuple) -> tokens that may follow: the dict that the peers use."""
    allowed = {}
    for item in rows(folder / "catalogue.jsonl"):
        completion = item["sid"] + suffix
        for length in range(len(completion)):
            allowed.setdefault(tuple(completion[:length]), set()).add(completion[length])
    return {prefix: sorted(tokens) for prefix, tokens in allowed.items()}


def language_model(folder):
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    dtype = getattr(torch, os.environ.get("PEER_PRECISION", "float32"))
    model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=dtype)
    return model.to(os.environ.get("PEER_DEVICE", "cpu"))


def id_of(job, facts):
    """B1, B2, B3, B4: the job B with T256, 0.5B, 1.5B, 135M."""
    return f"{job}{['T256', '0.5B', '1.5B', '135M'].index(facts['shape']) + 1}"


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(job, repeats=1, warm_up=False):
    """Median, least and most wall seconds, CPU seconds of all runs over their number, last result."""
    if warm_up:
        job()
    walls, before = [], cpu_seconds()
    for _ in range(repeats):
        start = time.perf_counter()
        result = job()
        walls.append(time.perf_counter() - start)
    return {
        "seconds": statistics.median(walls),
        "least": min(walls),
        "most": max(walls),
        "cpu_seconds": (cpu_seconds() - before) / repeats,
        "repeats": repeats,
    }, result


def say(id, variant, **values):
    rounded = {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in values.items()}
    print(json.dumps({"id": id, "variant": variant, **rounded}), flush=True)
