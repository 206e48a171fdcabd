#!/usr/bin/env python3
"""Writes tokenizers/ beside this file with the tokenizers library, which is no dependency of tsrec.

    python3 -m venv peer && peer/bin/pip install tokenizers sentencepiece protobuf
    peer/bin/python tests/golden/make_tokenizers.py

texts.json: texts that are hard to cut. <style>/: a small tokenizer built as the models of that style have theirs, trained on
these texts, and the ids and decoded texts that the library gives (expected.json). steps.json: single normalizers and
pre-tokenizers in front of a model that shows characters and where words begin, and its ids.
"""
import io
import json
import pathlib
import shutil
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from corpus import CORPUS, byte_texts

HERE = pathlib.Path(__file__).parent / "tokenizers"
MARK = "\u2581"
LONG = 64_000  # characters

TEXTS = CORPUS + [
    " leading", "trailing ", "  two  blanks  ", "tab\tand\nnewline", "\u3000\u3000ideographic", "ABC DEF gHi", "naïve café Ångström",
    "Ünïcödé ÀÉÎÕÜ", "ﬁne ﬂow ①②③ ㎏ ½", "Ａｂｃ　１２３", "你好world你好", "한국어 조합 \u1112\u1161\u11ab", "a" * 120, "x" * 40 + " y",
    "snake_case camelCase kebab-case", "12345 1 22 333", "٣٤٥ १२३", "<s> hello </s>", "[CLS] hi [MASK] there [SEP]", "</s></s>",
    f"already{MARK}marked {MARK} text", "\u0000null\u0007bell", "soft\u00adhyphen", "\ufeffbom", "e\u0301\u0327 o\u0308\u0304", "ΑΣ ΣΑΣ Σ",
    "İstanbul IĞDIR ß ẞ", "👨‍👩‍👧‍👦 family 👍🏿", "🇩🇪🇫🇷🇯🇵", "ไทย ภาษา", "हिन्दी में", "עברית עִבְרִית", "مرحبا بالعالم", "Русский ёж Й",
    "$100 + €50 = £?", "`code` ^caret ~tilde |pipe", "「日本語」、『括弧』。", "quote's 'it' \"is\" ''", "don't won't I'M YOU'RE", "...!?!?", "—–-",
    "a.b,c;d:e", "\r\nwindows\r\n", "\u2028line\u2029par", "\u200b\u200c\u200dzero", "lorem <mask> ipsum<mask>dolor", "<|im_start|>user\nhi<|im_end|>",
]
TEXTS += [text.decode("utf-8", "replace") for text in byte_texts()]
# The library's marks and signs are those of Unicode 8; these came later.
YOUNG = set("\u09fd\u0a76\u0afa\u0afb\u0afc\u0afd\u0afe\u0aff\u0b55\u0c04\u0c3c\u0c77\u0c84\u0cf3\u0d00\u0d3b\u0d3c\u0d81\u0eba")
TEXTS = [text for text in TEXTS if not YOUNG & set(text)]


def long_text():
    joined = " ".join(TEXTS)
    return (joined * (LONG // len(joined) + 1))[:LONG]


def write(file, value):
    """One line for every entry of a list, so that changes show where they are."""
    compact = lambda part: json.dumps(part, separators=(",", ":"))
    lines = ",\n".join(f"{compact(key)}:" + ("[\n" + ",\n".join(map(compact, part)) + "\n]" if isinstance(part, list) else compact(part))
                       for key, part in value.items())
    file.write_text("{" + lines + "}\n")


def checksum(ids):
    value = 0
    for i in ids:
        value = (value * 1_000_003 + i) % 2**32
    return value


def charsmap():
    """A small map in SentencePiece's own format."""
    rules = {"\ufb01": "fi", "\ufb02": "fl", "\u2460": "1", "\u00bd": "1/2", "\u212b": "\u00c5", "e\u0301": "\u00e9", "\u3000": " ",
             "\u00a0": " ", "\t": " ", "\n": " ", "\u200b": "", "\ufeff": "", "\uff21": "A", "\u338f": "kg",
             "\u1112\u1161\u11ab": "\ud55c", "\u2026": "..."}
    with tempfile.TemporaryDirectory() as folder:
        tsv = pathlib.Path(folder) / "rules.tsv"
        tsv.write_text("".join(f"{' '.join(f'{ord(c):X}' for c in a)}\t{' '.join(f'{ord(c):X}' for c in b)}\n" for a, b in rules.items()))
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(["a b c d"] * 50), model_writer=model, vocab_size=8,
                                                 hard_vocab_limit=False, normalization_rule_tsv=str(tsv), minloglevel=2)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model.getvalue())
    return proto.normalizer_spec.precompiled_charsmap


def train(tokenizer, trainer):
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    return tokenizer


def bpe_trainer(**settings):
    return trainers.BpeTrainer(vocab_size=settings.pop("vocab_size", 400), show_progress=False, **settings)


def gpt2():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    train(tokenizer, bpe_trainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return tokenizer, "<|endoftext|>"


def roberta():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    train(tokenizer, bpe_trainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<s>", "</s>", "<unk>"]))
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0))
    return tokenizer, "</s>"


def smollm2():
    """As SmolLM2's, the vocabulary lacks bytes that its texts had not."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(CORPUS[:8] * 3, bpe_trainer(vocab_size=300, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"]))
    return tokenizer, "<|im_end|>"


def smollm2_unknown():
    tokenizer, eos = smollm2()
    changed = json.loads(tokenizer.to_str())
    changed["model"]["unk_token"] = "<|endoftext|>"
    return Tokenizer.from_str(json.dumps(changed)), eos


def sentencepiece_bpe(tokenizer):
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    train(tokenizer, bpe_trainer(vocab_size=620, special_tokens=tokens, limit_alphabet=60))
    changed = json.loads(tokenizer.to_str())
    changed["added_tokens"] = changed["added_tokens"][:3]
    tokenizer = Tokenizer.from_str(json.dumps(changed))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    tokenizer.decoder = decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    return tokenizer, "</s>"


def llama2():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    return sentencepiece_bpe(tokenizer)


def mistral():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    return sentencepiece_bpe(tokenizer)


def bert():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    train(tokenizer, trainers.WordPieceTrainer(vocab_size=420, limit_alphabet=150, show_progress=False,
                                               special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                                             special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer, "[SEP]"


def unigram(tokenizer, specials, unknown):
    trainer = trainers.UnigramTrainer(vocab_size=420, show_progress=False, special_tokens=specials, unk_token=unknown)
    tokenizer.train_from_iterator(CORPUS * 3, trainer)  # all of the characters in its texts are tokens
    return tokenizer


def t5():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap()), normalizers.Strip(left=False, right=True),
                                                 normalizers.Replace(Regex(" {2,}"), MARK)])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    unigram(tokenizer, ["<pad>", "</s>", "<unk>"], "<unk>")
    tokenizer.add_special_tokens(["<extra_id_0>", "<extra_id_1>"])
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    return tokenizer, "</s>"


def xlmr():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Precompiled(charsmap())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    unigram(tokenizer, ["<s>", "<pad>", "</s>", "<unk>"], "<unk>")
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
                                                             special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    return tokenizer, "</s>"


def added():
    """Tokens with white space beside them, inside words only as whole words, after normalisation."""
    tokenizer, eos = gpt2()
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.add_tokens([AddedToken("hello", single_word=True), AddedToken("case", rstrip=True), AddedToken("ABC", normalized=True),
                          AddedToken("user", normalized=False, lstrip=True, rstrip=True), AddedToken("you", single_word=True, normalized=False)])
    return tokenizer, eos


STYLES = [gpt2, roberta, smollm2, smollm2_unknown, llama2, mistral, bert, t5, xlmr, added]


def make_styles():
    for style in STYLES:
        tokenizer, eos = style()
        folder = HERE / style.__name__
        folder.mkdir(parents=True)
        whole = json.loads(tokenizer.to_str())
        (folder / "tokenizer.json").write_text(json.dumps(whole, ensure_ascii=True, separators=(",", ":")) + "\n")
        (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": eos, "tokenizer_class": "TokenizersBackend"}) + "\n")
        ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
        around = tokenizer.encode("a").ids
        plain = tokenizer.encode("a", add_special_tokens=False).ids
        at = next(i for i in range(len(around)) if around[i:i + len(plain)] == plain)
        long_ids = tokenizer.encode(long_text(), add_special_tokens=False).ids
        expected = {"begin": around[:at], "end": around[at + len(plain):], "size": tokenizer.get_vocab_size(),
                    "long": {"count": len(long_ids), "checksum": checksum(long_ids)}, "ids": ids,
                    "decoded": [tokenizer.decode(row, skip_special_tokens=False) for row in ids]}
        write(folder / "expected.json", expected)


def steps():
    n, p = normalizers, pre_tokenizers
    words = Regex(r"\w+|[^\w\s]")
    yield from ((step, None) for step in (
        n.NFC(), n.NFD(), n.NFKC(), n.NFKD(), n.Lowercase(), n.StripAccents(), n.BertNormalizer(),
        n.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False),
        n.BertNormalizer(strip_accents=False), n.Prepend("_"), n.Replace("a", "bb"), n.Replace(Regex(r"\s+"), " "), n.Strip(),
        n.Strip(left=False), n.Strip(right=False), n.Sequence([n.NFKD(), n.StripAccents(), n.Lowercase()]), n.Precompiled(charsmap())))
    yield from ((None, step) for step in (
        p.Digits(), p.Digits(individual_digits=True), p.Whitespace(), p.WhitespaceSplit(), p.Punctuation(), p.BertPreTokenizer(),
        p.Metaspace(), p.Metaspace(prepend_scheme="first"), p.Metaspace(prepend_scheme="never"), p.Metaspace(split=False),
        p.Sequence([p.WhitespaceSplit(), p.Metaspace(prepend_scheme="first")]), p.Sequence([p.Whitespace(), p.Digits(True)]),
        p.Split(Regex(r"(?i:'s|'t)|(?<=\d)(?=(\d{3})+\b)|^\s*$|\h{4}"), "isolated"), p.Split(Regex(r"[^\S\n]+|(?m:a.)"), "removed"),
        p.Split(Regex(r"[\p{Han}\p{Hiragana}\p{Katakana}]"), "isolated"), p.Split(Regex("x*"), "isolated"), p.Split(Regex(r"\W"), "removed"),
        p.Split(Regex(r"[[:punct:][:space:]]+|[[:digit:]]{,2}x"), "isolated")))
    for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        for invert in (False, True):
            yield None, p.Split(words, behavior, invert)
            yield None, p.Split(" ", behavior, invert)
        yield None, p.Punctuation(behavior)


def make_steps():
    """Every character is a token; those inside a word have ## in front."""
    characters = sorted({c for text in TEXTS for c in text + n_forms(text)} | {MARK, "_"})
    vocabulary = {"<unk>": 0}
    for character in characters:
        vocabulary[character] = len(vocabulary)
        vocabulary["##" + character] = len(vocabulary)
    rows = []
    for normalizer, pre_tokenizer in steps():
        tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", continuing_subword_prefix="##"))
        if normalizer:
            tokenizer.normalizer = normalizer
        if pre_tokenizer:
            tokenizer.pre_tokenizer = pre_tokenizer
        whole = json.loads(tokenizer.to_str())
        ids = [tokenizer.encode(text).ids for text in TEXTS]
        rows.append({"normalizer": whole["normalizer"], "pre_tokenizer": whole["pre_tokenizer"], "counts": [len(row) for row in ids],
                     "checksums": [checksum(row) for row in ids]})
    write(HERE / "steps.json", {"characters": "".join(characters), "steps": rows})


def n_forms(text):
    return "".join(step.normalize_str(text) for step in (normalizers.NFKD(), normalizers.NFKC(), normalizers.Lowercase()))


if __name__ == "__main__":
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    (HERE / "texts.json").write_text(json.dumps(TEXTS, indent=0) + "\n")
    make_styles()
    make_steps()
