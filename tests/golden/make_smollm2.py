#!/usr/bin/env python3
"""Writes smollm2.json: what transformers computes with SmolLM2-135M-Instruct, whose folder is not stored here.

    python3 -m venv peer && peer/bin/pip install torch transformers
    peer/bin/python tests/golden/make_smollm2.py FOLDER

Ids of a few texts, logits in float32 of a few positions and tokens, and the greedy continuation.
"""
import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = ["The user has interacted with items in chronological order.", "<|im_start|>user\nName three uses of a steel bolt.<|im_end|>\n<|im_start|>assistant\n",
         "price: 3.14 $1,000,000 x123456789", "你好，世界。 emoji 👩‍🔬 🇩🇪", "def f(x):\n    return x ** 2  # code"]
TOKENS = 24  # of the vocabulary, evenly spread
CONTINUED = 40


def main(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokens = list(range(0, model.config.vocab_size, model.config.vocab_size // TOKENS))
    rows = []
    for text in TEXTS:
        ids = tokenizer.encode(text, add_special_tokens=False)
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0]
        positions = [0, len(ids) // 2, len(ids) - 1]
        rows.append({"text": text, "ids": ids, "positions": positions,
                     "logits": [[round(value, 5) for value in logits[p, tokens].tolist()] for p in positions]})
    prompt = torch.tensor([rows[1]["ids"]])
    with torch.no_grad():
        written = model.generate(prompt, max_new_tokens=CONTINUED, min_new_tokens=CONTINUED, do_sample=False)[0, prompt.shape[1]:]
    golden = {"tokens": tokens, "rows": rows, "continuation": written.tolist()}
    file = pathlib.Path(__file__).parent / "smollm2.json"
    file.write_text(json.dumps(golden, separators=(",", ":")).replace('},{"text"', '},\n{"text"') + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
