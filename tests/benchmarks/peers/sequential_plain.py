"""E1, E2, E4: plain torch loops that waste little: a row for each user, all positions a pass, rows of like length together,
the head where a label is. The models are those of ours."""

import os
import random
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from common import rows, say, timed
from torch import nn

WIDTH, DROPOUT, BATCH, LENGTH = 64, 0.4, 128, 50


class Block(nn.Module):
    """SASRec: the query alone is normalised, and the residual is added to it."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.before, self.between = nn.LayerNorm(WIDTH, 1e-8), nn.LayerNorm(WIDTH, 1e-8)
        self.inner, self.outer = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x, _):
        query = self.before(x)
        attended = F.scaled_dot_product_attention(
            self.query(query), self.key(x), self.value(x), is_causal=True, dropout_p=DROPOUT * self.training)
        y = self.between(query + attended)
        inner = F.dropout(F.relu(self.inner(y)), DROPOUT, self.training)
        return y + F.dropout(self.outer(inner), DROPOUT, self.training)


class HstuBlock(nn.Module):
    """HSTU: pointwise SiLU attention with a bias for distances, gated."""

    def __init__(self):
        super().__init__()
        self.into = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.into.deviation = 0.02
        self.out = nn.Linear(WIDTH, WIDTH)
        self.bias = nn.Parameter(0.02 * torch.randn(LENGTH))

    def forward(self, x, place):
        length = x.shape[1]
        u, v, q, k = F.silu(self.into(F.layer_norm(x, [WIDTH], eps=1e-6))).chunk(4, -1)
        distance = (place[:, None] - place[None, :]).clamp(min=0)
        score = q @ k.transpose(1, 2) + self.bias[distance]
        weight = (F.silu(score) / LENGTH).tril()
        mixed = u * F.layer_norm(weight @ v, [WIDTH], eps=1e-6)
        return x + self.out(F.dropout(mixed, DROPOUT, self.training))


class Attention(nn.Module):
    def __init__(self, items, block):
        super().__init__()
        self.items = nn.Embedding(items, WIDTH)
        self.places = nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList(block() for _ in range(2))
        self.last = nn.LayerNorm(WIDTH, 1e-8)

    def forward(self, item):
        place = torch.arange(item.shape[1])
        x = F.dropout(self.items(item) * WIDTH**0.5 + self.places(place), DROPOUT, self.training)
        for block in self.blocks:
            x = block(x, place)
        return self.last(x)

    def scores(self, state):
        return state @ self.items.weight.t()


class Hstu(Attention):
    def __init__(self, items):
        super().__init__(items, HstuBlock)

    def scores(self, state):
        return F.normalize(state, dim=-1) @ F.normalize(self.items.weight, dim=-1).t() / 0.05


class Gru(nn.Module):
    def __init__(self, items):
        super().__init__()
        self.items = nn.Embedding(items, WIDTH)
        self.gru = nn.GRU(WIDTH, WIDTH, batch_first=True)

    def forward(self, item):
        return self.gru(F.dropout(self.items(item), DROPOUT, self.training))[0]

    def scores(self, state):
        return F.dropout(state, DROPOUT, self.training) @ self.items.weight.t()


MODELS = {"sasrec": ("E1", lambda items: Attention(items, Block)), "gru4rec": ("E2", Gru), "hstu": ("E4", Hstu)}


def begin_like_ours(model):
    """Glorot's uniform weights, biases of 0, tables with a deviation of .02. torch's own first values are smaller, and
    after four epochs SASRec's HR@10 is half as high again with them: speed is compared at equal starts."""
    for module in model.modules():
        for name, value in module.named_parameters(recurse=False):
            if isinstance(module, nn.Embedding) or hasattr(module, "deviation"):
                nn.init.normal_(value, 0, 0.02)
            elif isinstance(module, (nn.Linear, nn.GRU)):
                nn.init.zeros_(value) if name.startswith("bias") else nn.init.xavier_uniform_(value)


def padded(some):
    """Right of a sequence is padding: no position of its own sees it. -1: no label."""
    longest = max(len(items) for items in some)
    item = torch.zeros(len(some), longest, dtype=torch.long)
    label = torch.full((len(some), longest), -1)
    for row, items in enumerate(some):
        item[row, : len(items) - 1] = torch.tensor(items[:-1])
        label[row, : len(items) - 1] = torch.tensor(items[1:])
    return item, label


def batches(sequences):
    """Shuffled; neighbours of about the same length."""
    order = sorted(random.sample(sequences, len(sequences)), key=len)
    made = [order[begin : begin + BATCH] for begin in range(0, len(order), BATCH)]
    random.shuffle(made)
    return made


def hit_rate(model, sequences, back):
    """Of the item that is `back` from the end, among all items."""
    hits = 0
    with torch.no_grad():
        for begin in range(0, len(sequences), 512):
            some = [items[: len(items) - back + 1][-LENGTH - 1 :] for items in sequences[begin : begin + 512]]
            item, label = padded(some)
            last = torch.tensor([len(items) - 2 for items in some])
            state = model(item)[torch.arange(len(some)), last]
            target = torch.tensor([items[-1] for items in some])
            hits += (model.scores(state).topk(10).indices == target[:, None]).any(1).sum().item()
    return hits / len(sequences)


def main(folder, only="", repeats=3):
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    sequences = rows(Path(folder) / "sequences.jsonl")
    train = [items[:-2][-LENGTH - 1 :] for items in sequences if len(items) > 3]
    labels = sum(len(items) - 1 for items in train)
    for key, (id, make) in MODELS.items():
        if only and key != only:
            continue
        torch.manual_seed(17)
        random.seed(17)
        model = make(1 + max(map(max, sequences)))
        begin_like_ours(model)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0)
        done = [0]

        def epoch():
            done[0] += 1
            model.train()
            for some in batches(train):
                item, label = padded(some)
                at = label >= 0
                loss = F.cross_entropy(model.scores(model(item)[at]), label[at])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            return loss.item()

        times, loss = timed(epoch, repeats=int(repeats), warm_up=True)
        model.eval()
        say(id, f"{key}: plain torch, one epoch, a row for each user", **times, labels=labels, epochs=done[0], loss=loss,
            labels_per_second=labels / times["seconds"], **{"valid_hr@10": hit_rate(model, sequences, 2)})


main(*sys.argv[1:])
