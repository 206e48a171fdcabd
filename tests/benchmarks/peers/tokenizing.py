"""F2: what MiniOneRec's data.py does for its next-item rows: every row through the tokenizer."""

import ast
import csv
import sys
from pathlib import Path

from common import say, timed
from transformers import AutoTokenizer

PREAMBLE = ("Below is an instruction that describes a task, paired with an input that provides further context. "
            "Write a response that appropriately completes the request. \n\n### Instruction:\n"
            "Can you predict the next possible item that the user may expect?\n\n")


def main(data, model):
    data = Path(data)
    tokenizer = AutoTokenizer.from_pretrained(model)
    files = [next((data / split).glob("*.csv")) for split in ("train", "valid", "test")]

    def job():
        added = set()
        for file in files:
            for row in csv.DictReader(open(file, newline="")):
                added.update(row["item_sid"].replace("><", "> <").split())
        tokenizer.add_tokens(sorted(added))
        encode = lambda text: tokenizer.encode(text, add_special_tokens=False)
        count = tokens = 0
        for file in files:
            for row in csv.DictReader(open(file, newline="")):
                history = ", ".join(ast.literal_eval(row["history_item_sid"]))
                question = (f"### User Input: \nThe user has interacted with items {history} in chronological order. "
                            "Can you predict the next possible item that the user may expect?\n\n### Response:\n")
                ids = encode(PREAMBLE) + encode(question)
                target = encode(row["item_sid"] + "\n") + [tokenizer.eos_token_id]
                labels = [-100] * len(ids) + target
                mask = [1] * len(labels)
                count += 1
                tokens += len(ids) + len(target)
        return count, tokens

    times, (count, tokens) = timed(job, repeats=2)
    say("F2", "a tokenizer call a row, as data.py does", **times, rows=count, tokens=tokens,
        rows_per_second=count / times["seconds"])


main(*sys.argv[1:])
