"""C: generate() with 50 beams and the catalogue as a dict of allowed tokens; lists against ours."""

import sys

import torch
from common import catalogue_trie, id_of, language_model, rows, say, timed, world

BEAMS, BATCH = 50, 8


def generate(model, prompts, allowed, length):
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts], device=model.device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=model.device)
    with torch.no_grad():
        return longest, model.generate(
            input_ids=ids, attention_mask=mask, num_beams=BEAMS, num_return_sequences=BEAMS,
            max_new_tokens=length, do_sample=False, length_penalty=0.0, temperature=None, top_p=None,
            top_k=None, repetition_penalty=1.0, early_stopping=False, pad_token_id=0, output_scores=True,
            return_dict_in_generate=True,
            prefix_allowed_tokens_fn=lambda _, seen: allowed.get(tuple(seen[longest:].tolist()), [0]))


def main(folder):
    folder, facts = world(folder)
    model = language_model(folder)
    suffix = facts["suffix"]
    allowed = catalogue_trie(folder, suffix)
    ours = rows(folder / "lists.jsonl")
    prompts = [user["prompt"] for user in ours]
    depth = len(facts["sizes"])

    def job():
        found = []
        for begin in range(0, len(prompts), BATCH):
            some = prompts[begin : begin + BATCH]
            longest, out = generate(model, some, allowed, depth + len(suffix))
            sids = out.sequences[:, longest : longest + depth].view(len(some), BEAMS, depth)
            found += list(zip(sids.tolist(), out.sequences_scores.view(len(some), BEAMS).tolist()))
        return found

    times, found = timed(job)
    equal = sum(sids == user["sids"] for (sids, _), user in zip(found, ours))
    # Neighbours whose scores differ by less than float32 can tell may change places.
    ties = sum(sorted(sids) == sorted(user["sids"]) for (sids, _), user in zip(found, ours))
    far = max(abs(a - b) for (_, scores), user in zip(found, ours) for a, b in zip(scores, user["scores"]))
    say(id_of("C", facts), "generate(), 50 beams, dict of allowed tokens", **times, users=len(prompts),
        users_per_second=len(prompts) / times["seconds"], equal_lists=equal, equal_sets=ties,
        largest_score_difference=far)


main(*sys.argv[1:])
