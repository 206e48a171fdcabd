"""F1: from a fresh interpreter to the first token."""

import os
import sys
import time

begin = time.perf_counter()
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
loaded = time.perf_counter()
ids = tokenizer("Which stainless steel screws fit a wooden deck?", return_tensors="pt").input_ids
with torch.no_grad():
    token = model(ids).logits[0, -1, : len(tokenizer)].argmax().item()
print(f'{{"id": "F1", "variant": "inside the process, Hugging Face", "load_seconds": {loaded - begin:.3f}, '
      f'"first_token_seconds": {time.perf_counter() - loaded:.3f}, "token": {token}}}')
