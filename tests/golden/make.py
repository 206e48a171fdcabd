#!/usr/bin/env python3
"""Writes the goldens of this folder with transformers, which is no dependency of tsrec.

    python3 -m venv peer && peer/bin/pip install torch transformers
    peer/bin/python tests/golden/make.py                  writes the folders beside this file
    peer/bin/python tests/golden/make.py --qwen DIR       writes tokenizer_qwen/ with the published tokenizer in DIR
    peer/bin/python tests/golden/make.py --check DIR...   loads what tsrec exported, as transformers users would

hf_<family>/: a random model as transformers saves it, and its logits on a few rows (logits.safetensors).
tokenizer_llama3/: a small byte-level BPE tokenizer with the split pattern of Llama 3, and ids of a corpus.
bytes.json in a tokenizer's folder: random bytes, valid UTF-8 or not, and the ids of the text with U+FFFD for what is none.
"""
import json
import pathlib
import shutil
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen3Config

from corpus import CORPUS, byte_texts

HERE = pathlib.Path(__file__).parent
SIZES = dict(vocab_size=60, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             intermediate_size=24, max_position_embeddings=128, initializer_range=0.3, rms_norm_eps=1e-6)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
FAMILIES = {
    "qwen2": (Qwen2Config, dict(tie_word_embeddings=True, rope_theta=10000.0)),
    "qwen2_untied": (Qwen2Config, dict(tie_word_embeddings=False, rope_theta=1000000.0)),
    "qwen3": (Qwen3Config, dict(tie_word_embeddings=True, head_dim=8, rope_theta=1000000.0)),
    "llama": (LlamaConfig, dict(tie_word_embeddings=False, rope_theta=10000.0)),
    "llama3": (LlamaConfig, dict(tie_word_embeddings=True, rope_theta=500000.0, rope_scaling=LLAMA3)),
}


def make_models():
    for number, (name, (config, settings)) in enumerate(FAMILIES.items()):
        torch.manual_seed(number)
        model = AutoModelForCausalLM.from_config(config(**SIZES, **settings)).float().eval()
        with torch.no_grad():
            for parameter in model.parameters():  # norms away from one, biases away from zero
                parameter.add_(0.1 * torch.randn_like(parameter))
        folder = HERE / f"hf_{name}"
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder, max_shard_size="20KB" if name == "llama" else "5GB")
        (folder / "generation_config.json").unlink(missing_ok=True)
        token_BT = torch.randint(0, SIZES["vocab_size"], (2, 80))
        with torch.no_grad():
            logits = model(token_BT).logits
        save_file({"token_BT": token_BT, "logits_BTV": logits[:, ::8].contiguous()}, folder / "logits.safetensors")


PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+")
def make_tokenizer():
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(CORPUS * 3, trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"]
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in specials])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=specials[0], eos_token=specials[1])
    folder = HERE / "tokenizer_llama3"
    shutil.rmtree(folder, ignore_errors=True)
    fast.save_pretrained(folder)
    rows = [{"text": text, "ids": fast.encode(text, add_special_tokens=False)} for text in CORPUS]
    write_byte_texts(fast, folder / "bytes.json")
    (folder / "expected.json").write_text(json.dumps(rows, ensure_ascii=True, indent=0) + "\n")


def write_byte_texts(tokenizer, file):
    rows = [{"hex": text.hex(), "ids": tokenizer.encode(text.decode("utf-8", "replace"), add_special_tokens=False)}
            for text in byte_texts()]
    file.write_text(json.dumps(rows, separators=(",", ":")).replace("},", "},\n") + "\n")


def make_qwen(source):
    """Ids of a published Qwen tokenizer's folder, which is not stored here."""
    folder = HERE / "tokenizer_qwen"
    folder.mkdir(exist_ok=True)
    write_byte_texts(AutoTokenizer.from_pretrained(source), folder / "bytes.json")


def check(folders):
    for folder in folders:
        model = AutoModelForCausalLM.from_pretrained(folder).float()
        tokenizer = AutoTokenizer.from_pretrained(folder)
        expected = json.loads((pathlib.Path(folder) / "expected.json").read_text())
        ids = tokenizer.encode(expected["text"], add_special_tokens=False)
        assert ids == expected["ids"], (folder, ids, expected["ids"])
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1]
        difference = (logits - torch.tensor(expected["last_logits"])).abs().max().item()
        assert difference < 1e-4, (folder, difference)
        print(f"{folder}: {len(ids)} ids equal, logits within {difference:.1e}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        check(sys.argv[2:])
    elif sys.argv[1:2] == ["--qwen"]:
        make_qwen(sys.argv[2])
    else:
        make_models()
        make_tokenizer()
