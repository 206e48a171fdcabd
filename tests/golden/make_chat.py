#!/usr/bin/env python3
"""Writes chat.json: the ids of a question as transformers' apply_chat_template(add_generation_prompt=True) gives them.

    python3 -m venv peer && peer/bin/pip install transformers
    peer/bin/python tests/golden/make_chat.py SMOLLM2 QWEN

SMOLLM2: the folder of SmolLM2-135M-Instruct; QWEN: the folder qwen-tokenizer of the test data. Where a folder has no
chat template (SmolLM2's may come without), ChatML with its system's sentence is used, and stored beside the ids.
"""
import json
import pathlib
import sys

from transformers import AutoTokenizer

QUESTIONS = ["Name three uses of a steel bolt.", "Items:\nTitle: 1/4\" Drill Bit (5-Pack) — 你好\n\nAnswer with one JSON object."]
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n" + SYSTEM + "<|im_end|>\n' }}{% endif %}"
    "{% for said in messages %}{{ '<|im_start|>' + said['role'] + '\n' + said['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


def asked(tokenizer, template, messages):
    options = {} if template is None else {"chat_template": template}
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False, enable_thinking=False, **options)
    return tokenizer.encode(text, add_special_tokens=False)


def main(smollm2, qwen):
    golden = {}
    for name, folder in (("smollm2", smollm2), ("qwen", qwen)):
        tokenizer = AutoTokenizer.from_pretrained(folder)
        template = None if tokenizer.chat_template else TEMPLATE
        rows = [{"question": question, "system": system,
                 "ids": asked(tokenizer, template,
                              ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": question}])}
                for question in QUESTIONS for system in ("", "You write JSON.")]
        golden[name] = {"template": template, "rows": rows}
    file = pathlib.Path(__file__).parent / "chat.json"
    file.write_text(json.dumps(golden, separators=(",", ":")).replace('},{"question"', '},\n{"question"') + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
