#!/usr/bin/env python3
"""Writes the goldens of the sequential recommenders with the code that was published with them, which is no part of tsrec.

    git clone https://github.com/pmixer/SASRec.pytorch && git -C SASRec.pytorch checkout 9f6a02b
    git clone https://github.com/hidasib/GRU4Rec_PyTorch_Official
    git clone https://github.com/meta-recsys/generative-recommenders
    python3 -m venv peer && peer/bin/pip install torch pandas safetensors fbgemm-gpu-cpu
    peer/bin/python tests/golden/make_sequential.py --sasrec SASRec.pytorch --gru4rec GRU4Rec_PyTorch_Official \\
                                                    --hstu generative-recommenders

published_<model>.safetensors, beside this file: random weights under the names that the published code gives them; histories
(history.0, history.1, ...); the scores of all items behind each (score_BN); and losses of history.0 with the item `label`
next. Items are counted from 0; those codes count from 1 and keep 0 for padding. Made from 9f6a02b of the first (the last
commit in which a block is that of the paper), d1fc311 of the second and db1bf8f of the third; hstu_timed from its 2e81fab, which
gives hstu the same bytes.

What tsrec leaves out is made to do nothing: the product behind SASRec's attention, which the paper does not have, is the
identity; GRU4Rec's biases of tied items, and HSTU's biases for times where its rows have none, are 0. hstu_timed is HSTU where they
have: (time.0, ...), seconds of a history's items and, behind them, of what is asked about.
"""
import argparse
import pathlib
import sys
import types

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
ITEMS, WIDTH, LONGEST, LABEL = 13, 8, 6, 5
HISTORIES = [[3, 11, 0, 7], [2], [12, 1, 1, 9, 4, 6], [8, 5, 10]]
TIMES = [[1500000000, 1500000002, 1500000900, 1500090000, 1507776000], [1400000000, 1400000000],
         [1300000000, 1300000000, 1300000007, 1300004000, 1312096000, 1399999999, 1400000050], [90, 60, 86400, 7000000]]


def scatter(module, seed):
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.4 * torch.randn_like(parameter))
    return module.eval()


def save(model, tensors):
    rows = {f"history.{n}": torch.tensor(history) for n, history in enumerate(HISTORIES)}
    kept = {name: tensor.detach().clone().contiguous() for name, tensor in {**tensors, **rows}.items()}
    save_file({**kept, "label": torch.tensor(LABEL)}, HERE / f"published_{model}.safetensors")


def make_sasrec(folder):
    sys.path.insert(0, str(folder / "python"))
    from model import SASRec
    settings = types.SimpleNamespace(device="cpu", hidden_units=WIDTH, maxlen=LONGEST, dropout_rate=0.0, num_blocks=2, num_heads=2)
    model = scatter(SASRec(0, ITEMS, settings), seed=1)
    with torch.no_grad():
        for attention in model.attention_layers:
            attention.out_proj.weight.copy_(torch.eye(WIDTH))
            attention.out_proj.bias.zero_()
    # Without padding in front, which their attention does not mask.
    rows = [torch.tensor([[1 + item for item in history]]).numpy() for history in HISTORIES]
    items = torch.arange(1, ITEMS + 1).numpy()
    scores = torch.cat([model.predict(None, row, items) for row in rows])

    def loss(negative):  # as their main.py has it: the mean over labels, and the mean over negatives
        labels, negatives = [[0, 0, 0, 1 + LABEL]], [[0, 0, 0, 1 + negative]]
        label_score, negative_score = model(None, rows[0], labels, negatives)
        criterion = torch.nn.BCEWithLogitsLoss()
        return criterion(label_score[:, -1:], torch.ones(1, 1)) + criterion(negative_score[:, -1:], torch.zeros(1, 1))

    save("sasrec", {**model.state_dict(), "score_BN": scores, "bce_N": torch.stack([loss(n) for n in range(ITEMS)])})


def make_gru4rec(folder):
    sys.path.insert(0, str(folder))
    from gru4rec_pytorch import GRU4Rec, GRU4RecModel
    for name, tied in [("gru4rec", True), ("gru4rec_untied", False)]:
        layers = [WIDTH, WIDTH] if tied else [WIDTH]
        model = scatter(GRU4RecModel(ITEMS, layers, embedding=0 if tied else WIDTH, constrained_embedding=tied), seed=2)
        if tied:
            model.By.weight.data.zero_()

        def scores(history, items):
            state = [torch.zeros(1, WIDTH) for _ in layers]
            for item in history:
                found = model(torch.tensor([item]), state, items)
            return found

        everything = torch.arange(ITEMS)
        others = everything[everything != LABEL]

        def loss(name, negatives):  # the first column is that of the label
            part = GRU4Rec(layers, loss=name, elu_param=0, bpreg=0.7, device="cpu")
            items = torch.cat([torch.tensor([LABEL]), negatives])
            return part.loss_function(scores(HISTORIES[0], items), items, 1)

        pairs = torch.stack([torch.stack([loss("bpr-max", torch.tensor([a, b])) for b in range(ITEMS)]) for a in range(ITEMS)])
        save(name, {**model.state_dict(), "score_BN": torch.cat([scores(history, everything) for history in HISTORIES]),
                    "softmax": loss("cross-entropy", others), "bpr_max_NN": pairs})


def make_hstu(folder):
    sys.path.insert(0, str(folder))
    import fbgemm_gpu  # noqa: F401, registers operators
    for name, has_times in [("hstu", False), ("hstu_timed", True)]:
        make_one_hstu(name, has_times)


def make_one_hstu(name, has_times):
    from generative_recommenders.research.modeling.sequential.autoregressive_losses import NegativesSampler
    from generative_recommenders.research.modeling.sequential.embedding_modules import LocalEmbeddingModule
    from generative_recommenders.research.modeling.sequential.hstu import HSTU
    from generative_recommenders.research.modeling.sequential.input_features_preprocessors import (
        LearnablePositionalEmbeddingInputFeaturesPreprocessor)
    from generative_recommenders.research.modeling.sequential.losses.sampled_softmax import SampledSoftmaxLoss
    from generative_recommenders.research.modeling.sequential.output_postprocessors import L2NormEmbeddingPostprocessor
    from generative_recommenders.research.rails.similarities.dot_product_similarity_fn import DotProductSimilarity
    temperature = 0.2
    places = LONGEST + has_times  # theirs keeps one more for the time of what is asked about
    items = LocalEmbeddingModule(ITEMS, WIDTH)
    model = scatter(HSTU(max_sequence_len=LONGEST, max_output_len=places - LONGEST, embedding_dim=WIDTH, num_blocks=2, num_heads=2,
                         linear_dim=WIDTH // 2, attention_dim=WIDTH // 2, normalization="rel_bias", linear_config="uvqk",
                         linear_activation="silu", linear_dropout_rate=0.0, attn_dropout_rate=0.0, embedding_module=items,
                         similarity_module=DotProductSimilarity(),
                         input_features_preproc_module=LearnablePositionalEmbeddingInputFeaturesPreprocessor(places, WIDTH, 0.0),
                         output_postproc_module=L2NormEmbeddingPostprocessor(WIDTH), verbose=False), seed=3)
    if not has_times:
        for parameter_name, parameter in model.named_parameters():
            if parameter_name.endswith("_ts_w"):
                parameter.data.zero_()

    class Everything(NegativesSampler):
        def __init__(self):
            super().__init__(l2_norm=True, l2_norm_eps=1e-6)

        def debug_str(self):
            return "everything"

        def process_batch(self, ids, presences, embeddings):
            pass

        def forward(self, positive_ids, num_to_sample):
            ids = torch.arange(1, ITEMS + 1).repeat(positive_ids.size(0), 1)
            return ids, self.normalize_embeddings(items.get_item_embeddings(ids))

    length = torch.tensor([len(history) for history in HISTORIES])
    padded = torch.tensor([[1 + item for item in history] + [0] * (places - len(history)) for history in HISTORIES])
    times = torch.tensor([row + [0] * (places - len(row)) for row in TIMES]) if has_times else torch.zeros_like(padded)
    user = model.encode(past_lengths=length, past_ids=padded, past_embeddings=model.get_item_embeddings(padded),
                        past_payloads={"timestamps": times})
    negatives = Everything()
    ids, vectors = negatives(torch.ones(1), ITEMS)
    scores, _ = model.similarity_fn(query_embeddings=user, item_ids=ids, item_embeddings=vectors)
    label = torch.tensor([1 + LABEL])
    loss, _ = SampledSoftmaxLoss(ITEMS, temperature, model).jagged_forward(
        user[:1], label, items.get_item_embeddings(label), torch.ones(1), negatives)
    kept = {key: tensor for key, tensor in model.state_dict().items() if not key.endswith("_attn_mask")}
    rows = {f"time.{n}": torch.tensor(row) for n, row in enumerate(TIMES)} if has_times else {}
    save(name, {**kept, **rows, "temperature": torch.tensor(temperature), "score_BN": scores / temperature, "softmax": loss})


arguments = argparse.ArgumentParser(usage=__doc__)
for name, make in [("sasrec", make_sasrec), ("gru4rec", make_gru4rec), ("hstu", make_hstu)]:
    arguments.add_argument(f"--{name}", type=pathlib.Path)
given = arguments.parse_args()
for name, make in [("sasrec", make_sasrec), ("gru4rec", make_gru4rec), ("hstu", make_hstu)]:
    if getattr(given, name):
        make(getattr(given, name))
