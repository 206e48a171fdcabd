"""E1, E2, E5: RecBole's own data loaders, models, trainer and evaluator, on the sequences of ours.

RecBole 1.2.1 wants NumPy below 2 and pandas below 2: give it an environment of its own.
"""

import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import torch
from common import rows, say, timed

USERS_OF_AN_UPDATE = 128
# Sizes of ours; everything else is RecBole's own.
COMMON = {"hidden_size": 64, "embedding_size": 64, "MAX_ITEM_LIST_LENGTH": 50}
MODELS = {
    "sasrec": ("E1", "SASRec", {"n_layers": 2, "n_heads": 1, "inner_size": 64, "hidden_act": "relu",
                                "hidden_dropout_prob": 0.4, "attn_dropout_prob": 0.4}),
    "gru4rec": ("E2", "GRU4Rec", {"num_layers": 1, "dropout_prob": 0.4}),
    # Its convolutions are as high as its window, every height of them: ours looks at five items too.
    "caser": ("E2", "Caser", {"nh": 16, "nv": 4, "dropout_prob": 0.4, "MAX_ITEM_LIST_LENGTH": 5}),
}


def write_atomic_file(sequences, folder):
    """NAME/NAME.inter, as RecBole reads it; times are places in the sequence."""
    (folder / "peer").mkdir()
    with open(folder / "peer" / "peer.inter", "w") as out:
        out.write("user_id:token\titem_id:token\ttimestamp:float\n")
        for user, items in enumerate(sequences):
            for place, item in enumerate(items):
                out.write(f"{user}\t{item}\t{place}\n")


def prepared(name, options, sequences, folder):
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_seed

    labels = sum(max(0, len(items) - 3) for items in sequences)
    updates = -(-len(sequences) // USERS_OF_AN_UPDATE)
    config = Config(model=name, dataset="peer", config_dict={
        "data_path": str(folder), "checkpoint_dir": str(folder / "saved"), "use_gpu": False, "state": "ERROR",
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "loss_type": "CE",
        "train_neg_sample_args": None, "learning_rate": 1e-3, "train_batch_size": -(-labels // updates),
        "eval_batch_size": 4096, "metrics": ["Hit", "NDCG"], "topk": [10], "valid_metric": "NDCG@10",
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user", "mode": "full"},
        **COMMON, **options})
    logging.disable(logging.WARNING)
    init_seed(17, True)
    dataset = create_dataset(config)
    train, valid, test = data_preparation(config, dataset)
    model = get_model(name)(config, train.dataset)
    return get_trainer(config["MODEL_TYPE"], name)(config, model), train, valid, test, labels


def main(folder, only="", repeats=3):
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    sequences = rows(Path(folder) / "sequences.jsonl")
    sys.argv = sys.argv[:1]  # RecBole reads it
    for key, (id, name, options) in MODELS.items():
        if only and key != only:
            continue
        with tempfile.TemporaryDirectory() as made:
            os.chdir(made)  # RecBole writes a log where it runs
            write_atomic_file(sequences, Path(made))
            trainer, train, valid, test, labels = prepared(name, options, sequences, Path(made))
            done = [0]

            def epoch():
                done[0] += 1
                return trainer._train_epoch(train, done[0])

            times, loss = timed(epoch, repeats=int(repeats), warm_up=True)
            score = trainer.evaluate(valid, load_best_model=False)
            say(id, f"{key}: RecBole, one epoch, a padded row for each label", **times, labels=labels,
                updates=len(train), epochs=done[0], loss=loss / len(train),
                labels_per_second=labels / times["seconds"], **{"valid_hr@10": score["hit@10"],
                                                               "valid_ndcg@10": score["ndcg@10"]})
            times, score = timed(lambda: trainer.evaluate(test, load_best_model=False), repeats=int(repeats),
                                 warm_up=True)
            say("E5", f"{key}: RecBole, evaluate()", **times, users=len(sequences),
                users_per_second=len(sequences) / times["seconds"], **{"hr@10": score["hit@10"],
                                                                      "ndcg@10": score["ndcg@10"]})


main(*sys.argv[1:])
