"""D: MiniOneRec's arithmetic on Hugging Face: generate() with 16 beams, 16 copies of each prompt
through reference and policy, k3 KL, one AdamW step; without activation checkpointing."""

import copy
import sys

import torch
from common import catalogue_trie, id_of, language_model, rows, say, timed, world

COMPLETIONS, KL = 16, 1e-3


def left_padded(lists, device):
    longest = max(map(len, lists))
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in lists], device=device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in lists], device=device)
    return longest, ids, mask


def log_probs(model, ids, mask, length):
    logits = model(input_ids=ids, attention_mask=mask, logits_to_keep=length + 1).logits[:, :-1]
    return torch.log_softmax(logits, -1).gather(2, ids[:, -length:].unsqueeze(2)).squeeze(2)


def main(folder):
    folder, facts = world(folder)
    policy = language_model(folder)
    reference = copy.deepcopy(policy).eval()
    suffix, depth = facts["suffix"], len(facts["sizes"])
    allowed = catalogue_trie(folder, suffix)
    chosen = rows(folder / "grpo.jsonl")
    prompts, targets = [row["prompt"] for row in chosen], [row["target"] for row in chosen]
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-9, weight_decay=0.0)
    length = depth + len(suffix)
    norms = []

    def step():
        longest, ids, mask = left_padded(prompts, policy.device)
        with torch.no_grad():
            out = policy.generate(
                input_ids=ids, attention_mask=mask, num_beams=COMPLETIONS, num_return_sequences=COMPLETIONS,
                max_new_tokens=length, do_sample=False, length_penalty=0.0, temperature=None, top_p=None,
                top_k=None, repetition_penalty=1.0, early_stopping=False, pad_token_id=0,
                prefix_allowed_tokens_fn=lambda _, seen: allowed.get(tuple(seen[longest:].tolist()), [0]))
        completions = out[:, longest:]
        whole = torch.cat([ids.repeat_interleave(COMPLETIONS, 0), completions], 1)
        seen = torch.cat([mask.repeat_interleave(COMPLETIONS, 0), torch.ones_like(completions)], 1)
        reward = torch.tensor([[float(completions[b * COMPLETIONS + g].tolist() == targets[b])
                                for g in range(COMPLETIONS)] for b in range(len(prompts))], device=policy.device)
        advantage = (reward - reward.mean(1, keepdim=True)) / (reward.std(1, keepdim=True) + 1e-4)
        with torch.no_grad():
            old = log_probs(reference, whole, seen, length)
        new = log_probs(policy, whole, seen, length)
        kl = torch.exp(old - new) - (old - new) - 1
        loss = -(torch.exp(new - new.detach()) * advantage.view(-1, 1) - KL * kl).mean()
        optimizer.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(policy.parameters(), 0.3).item())
        optimizer.step()
        return reward.mean().item()

    times, reward = timed(step, repeats=2)
    say(id_of("D", facts), "MiniOneRec's step on Hugging Face", **times, prompts=len(prompts),
        prompts_per_second=len(prompts) / times["seconds"], gradient_norm=norms[0], reward=reward)


main(*sys.argv[1:])
