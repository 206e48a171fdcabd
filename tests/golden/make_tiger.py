#!/usr/bin/env python3
"""Writes the goldens of the backbone tiger with transformers, which is no dependency of tsrec.

    python3 -m venv peer && peer/bin/pip install torch transformers
    peer/bin/python tests/golden/make_tiger.py            writes the folders below, beside this file

hf_t5/, hf_t5_untied/: a random T5 as transformers saves it. Its first token begins answers, the others are SIDs' of three
levels of eight codes. answers.json: the logits behind a few prompts, position by position; and the lists of a beam search
over a catalogue of random SIDs with the sums of their tokens' log-probabilities.
"""
import json
import pathlib
import random
import shutil

import torch
from transformers import T5Config, T5ForConditionalGeneration

HERE = pathlib.Path(__file__).parent
CODES, LEVELS, BEAMS = 8, 3, 6
SIZES = dict(vocab_size=1 + CODES * LEVELS, d_model=16, d_kv=8, num_heads=3, d_ff=20, decoder_start_token_id=0, pad_token_id=0,
             eos_token_id=0, feed_forward_proj="relu", dropout_rate=0.1)
MODELS = {"t5": dict(num_layers=2), "t5_untied": dict(num_layers=1, tie_word_embeddings=False)}
PROMPT_LENGTHS, TARGET_LENGTHS = [3, 9, 9, 30, 150], [3, 4, 3, 40, 2]


def rounded(values):
    return [round(value, 6) for value in values]


def answers(model, draw):
    def tokens(count):
        return [draw.randint(1, CODES * LEVELS) for _ in range(count)]

    rows = []
    for prompt_length, target_length in zip(PROMPT_LENGTHS, TARGET_LENGTHS):
        prompt, target = tokens(prompt_length), tokens(target_length)
        read = torch.tensor([[0] + target[:-1]])
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([prompt]), decoder_input_ids=read).logits[0]
        every = 1 if target_length < 10 else 6
        rows.append(dict(prompt=prompt, target=target, every=every,
                         logits=[rounded(row) for row in logits[::every].tolist()]))
    return rows


def beams(model, rows, draw):
    sids = sorted(draw.sample([(a, b, c) for a in range(CODES) for b in range(CODES) for c in range(CODES)], 60))
    ids = [[1 + level * CODES + code for level, code in enumerate(sid)] for sid in sids]

    def allowed(_, read):
        known = read.tolist()[1:]
        return sorted({sid[len(known)] for sid in ids if sid[:len(known)] == known})

    lists = []
    for row in rows:
        with torch.no_grad():
            found = model.generate(torch.tensor([row["prompt"]]), num_beams=BEAMS, num_return_sequences=BEAMS,
                                   max_new_tokens=LEVELS, length_penalty=0.0, do_sample=False,
                                   prefix_allowed_tokens_fn=allowed, return_dict_in_generate=True, output_scores=True)
        lists.append(dict(prompt=row["prompt"], items=[ids.index(sequence[1:]) for sequence in found.sequences.tolist()],
                          scores=rounded(found.sequences_scores.tolist())))
    return dict(sids=sids, lists=lists)


for number, (name, settings) in enumerate(MODELS.items()):
    torch.manual_seed(number)
    draw = random.Random(number)
    model = T5ForConditionalGeneration._from_config(T5Config(**SIZES, **settings), attn_implementation="eager").float().eval()
    if name == "t5_untied":  # transformers ties every T5 from its version 5 on, and leaves the scaling out where it should not
        model.lm_head.weight = torch.nn.Parameter(torch.randn(SIZES["vocab_size"], SIZES["d_model"]))
        model.config.tie_word_embeddings = False
    with torch.no_grad():
        for parameter in model.parameters():  # norms away from one
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.generation_config.eos_token_id = None  # a SID ends by its length
    rows = answers(model, draw)
    searched = beams(model, rows, draw)
    folder = HERE / f"hf_{name}"
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "answers.json").write_text(json.dumps(dict(rows=rows, **searched)) + "\n")
