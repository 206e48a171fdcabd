"""B: Hugging Face Trainer on the same rows: micro-batches of 16, padded, float32."""

import sys

import torch
from common import id_of, language_model, rows, say, timed, world
from transformers import Trainer, TrainingArguments

COMPARED_ROWS = 64


def batch_of(some, pad=0):
    """Left of a row its prompt, right of it padding; labels on the target only."""
    longest = max(len(row["prompt"]) + len(row["target"]) for row in some)
    longest = (longest + 7) // 8 * 8
    ids, mask, labels = [], [], []
    for row in some:
        tokens = row["prompt"] + row["target"]
        rest = longest - len(tokens)
        ids.append(tokens + [pad] * rest)
        mask.append([1] * len(tokens) + [0] * rest)
        labels.append([-100] * len(row["prompt"]) + row["target"] + [-100] * rest)
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask),
            "labels": torch.tensor(labels)}


def main(folder, trained_rows=128):
    folder, facts = world(folder)
    model = language_model(folder)
    train = rows(folder / "train.jsonl")
    with torch.no_grad():
        batch = {name: value.to(model.device) for name, value in batch_of(train[:COMPARED_ROWS]).items()}
        say(id_of("B", facts), "parity", rows=COMPARED_ROWS, loss=model(**batch).loss.item())
    trained_rows = int(trained_rows)
    arguments = TrainingArguments(
        str(folder / "trainer"), per_device_train_batch_size=16, gradient_accumulation_steps=trained_rows // 16,
        max_steps=1, learning_rate=1e-5, use_cpu=model.device.type == "cpu", save_strategy="no",
        report_to=[], disable_tqdm=True, remove_unused_columns=False, logging_strategy="no")

    def update():
        Trainer(model, arguments, train_dataset=train[:trained_rows], data_collator=batch_of).train()

    times, _ = timed(update, repeats=2)
    say(id_of("B", facts), "Hugging Face Trainer, micro-batch 16", **times, rows=trained_rows,
        rows_per_second=trained_rows / times["seconds"])


main(*sys.argv[1:])
