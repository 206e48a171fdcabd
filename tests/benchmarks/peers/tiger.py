"""E3: Hugging Face's T5 on the same rows: its Trainer, padded, and generate() with 20 beams and a dict of allowed tokens."""

import os
import sys

import torch
from common import catalogue_trie, rows, say, timed, world
from transformers import T5ForConditionalGeneration, Trainer, TrainingArguments

BEAMS, BATCH, COMPARED_ROWS = 20, 16, 64


def model_in(folder):
    return T5ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)


def padded(prompts):
    longest = max(map(len, prompts))
    ids = torch.tensor([p + [0] * (longest - len(p)) for p in prompts])
    mask = torch.tensor([[1] * len(p) + [0] * (longest - len(p)) for p in prompts])
    return ids, mask


def batch_of(some):
    ids, mask = padded([row["prompt"] for row in some])
    return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([row["target"] for row in some])}


def train(folder, trained_rows, micro):
    model = model_in(folder / "model")
    data = rows(folder / "train.jsonl")
    with torch.no_grad():
        say("E3", "parity", rows=COMPARED_ROWS, loss=model.eval()(**batch_of(data[:COMPARED_ROWS])).loss.item())
    arguments = TrainingArguments(
        str(folder / "trainer"), per_device_train_batch_size=micro, gradient_accumulation_steps=trained_rows // micro,
        max_steps=1, learning_rate=1e-4, use_cpu=True, save_strategy="no", report_to=[], disable_tqdm=True,
        remove_unused_columns=False, logging_strategy="no")

    def update():
        Trainer(model, arguments, train_dataset=data[:trained_rows], data_collator=batch_of).train()

    times, _ = timed(update, repeats=2, warm_up=True)
    tokens = sum(len(row["prompt"]) + len(row["target"]) for row in data[:trained_rows])
    say("E3", f"training: Hugging Face Trainer, micro-batch {micro}", **times, rows=trained_rows,
        rows_per_second=trained_rows / times["seconds"], tokens_per_second=tokens / times["seconds"])


def rank(folder, facts):
    model = model_in(folder / "trained").eval()
    allowed = catalogue_trie(folder, facts["suffix"])
    ours = rows(folder / "lists.jsonl")
    prompts, depth = [user["prompt"] for user in ours], len(facts["sizes"])

    def job():
        found = []
        for begin in range(0, len(prompts), BATCH):
            ids, mask = padded(prompts[begin : begin + BATCH])
            with torch.no_grad():
                out = model.generate(
                    input_ids=ids, attention_mask=mask, num_beams=BEAMS, num_return_sequences=BEAMS,
                    max_new_tokens=depth, do_sample=False, length_penalty=0.0, early_stopping=False,
                    output_scores=True, return_dict_in_generate=True,
                    prefix_allowed_tokens_fn=lambda _, seen: allowed.get(tuple(seen[1:].tolist()), [0]))
            sids = out.sequences[:, 1 : 1 + depth].view(len(ids), BEAMS, depth)
            found += list(zip(sids.tolist(), out.sequences_scores.view(len(ids), BEAMS).tolist()))
        return found

    times, found = timed(job, repeats=2)
    equal = sum(sids == user["sids"] for (sids, _), user in zip(found, ours))
    ties = sum(sorted(sids) == sorted(user["sids"]) for (sids, _), user in zip(found, ours))
    far = max(abs(a - b) for (_, scores), user in zip(found, ours) for a, b in zip(scores, user["scores"]))
    say("E3", "ranking: generate(), 20 beams, dict of allowed tokens", **times, users=len(prompts),
        users_per_second=len(prompts) / times["seconds"], equal_lists=equal, equal_sets=ties,
        largest_score_difference=far)


def main(folder, trained_rows=256, micro=256):
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    folder, facts = world(folder)
    train(folder, int(trained_rows), int(micro))
    rank(folder, facts)


main(*sys.argv[1:])
