"""The codebook layer beside a plain transcription of the published computation, in one run.

Forward and backward through query networks, scores, maximum, sparsemax and mixture, on random
tokens. Prints seconds (median of the repeats, taken in turns), the ratio, each one's peak memory
above its inputs (median of as many processes), and how far values and gradients differ: where two
tokens' scores are equal but for rounding, another one may get the gradient of a code. As in
training, memory is that of a step after the first, and nobody holds the weights of codes, which no
loss asks for.

    python benchmarks/bench_codebook.py --batch 32 --tokens 197 --codes 16000 --width 1024
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from earwitness.atlas.sat2sound.codebook import Codebook
from earwitness.atlas.sat2sound.config import Sizes
from earwitness.atlas.sat2sound.sparsemax import sparsemax

_HANDED_BACK = {"MALLOC_MMAP_THRESHOLD_": "131072"}
"""The C library gives freed memory back, so that the peak is of what is held, not of its habits."""


def published_sparsemax(scores: Tensor) -> Tensor:
    """Sort, cumulate, cut: the published projection, step by step."""
    scores = scores - scores.max(dim=1, keepdim=True)[0].expand_as(scores)
    ordered = torch.sort(scores, dim=1, descending=True)[0]
    places = torch.arange(1, scores.shape[1] + 1, dtype=scores.dtype, device=scores.device)
    places = places.view(1, -1).expand_as(scores)
    inside = torch.gt(1 + places * ordered, torch.cumsum(ordered, 1)).type(scores.type())
    last = torch.max(inside * places, 1, keepdim=True)[0]
    tau = ((inside * ordered).sum(1, keepdim=True) - 1) / last
    return torch.max(torch.zeros_like(scores), scores - tau.expand_as(scores))


def published(book: Codebook, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Queries, all scores, scaling, temperature, maximum, sparsemax, mixture.

    Codes are transposed under a batch dimension of one, as published: PyTorch then multiplies
    sample by sample.
    """
    asked = book.img_query_model.q_map(tokens)
    codes = book.space_dict
    scores = torch.matmul(asked, codes.unsqueeze(0).transpose(2, 1))
    scores = scores / math.sqrt(codes.shape[1])
    scores = scores / 1000.0
    weights = published_sparsemax(scores.max(1)[0])
    return weights @ codes, weights


def step(way: str, book: Codebook, tokens: Tensor, pull: Tensor) -> Tensor:
    made = book(tokens, "image") if way == "ours" else published(book, tokens)
    made = made[0]  # a loss asks for embeddings: nobody holds the weights of codes
    (made * pull).sum().backward()
    return made


def peak_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def prepare(options: argparse.Namespace) -> tuple[Codebook, Tensor, Tensor]:
    torch.manual_seed(0)
    sizes = Sizes(
        width=options.width, code_width=options.width, codes=options.codes, text_width=8,
        swin_width=1, swin_heads=(1, 1, 1, 1),
    )  # fmt: skip
    book = Codebook(sizes, published=True).to(options.device)
    with torch.no_grad():
        book.img_query_model.q_map[4].weight *= options.gain
    tokens = torch.randn(options.batch, options.tokens, options.width, device=options.device)
    pull = torch.randn(options.batch, options.width, device=options.device)
    return book, tokens.requires_grad_(), pull


def measure_memory(options: argparse.Namespace, way: str) -> None:
    """Run steps in this process and print the second's peak above its inputs, with gradients."""
    book, tokens, pull = prepare(options)
    # A first step loads libraries and makes their threads, kernels and buffers; the second counts.
    step(way, book, tokens, pull)
    book.zero_grad(set_to_none=True)
    tokens.grad = None
    gc.collect()
    if options.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step(way, book, tokens, pull)
        print(torch.cuda.max_memory_allocated() - before)
        return
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_bytes()
    step(way, book, tokens, pull)
    print(peak_bytes() - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=197)
    parser.add_argument("--codes", type=int, default=16000)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--gain", type=float, default=1.0, help="of the queries: more is sparser")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--memory", choices=["ours", "published"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.memory:
        measure_memory(options, options.memory)
        return

    print(
        f"batch {options.batch} × {options.tokens} tokens, {options.codes} codes × "
        f"{options.width}, {options.device}, {options.threads} threads, torch {torch.__version__}"
    )
    book, tokens, pull = prepare(options)
    seconds: dict[str, list[float]] = {"published": [], "ours": []}
    busy: dict[str, list[float]] = {"published": [], "ours": []}
    values: dict[str, list[Tensor]] = {}
    for _ in range(options.repeats):
        for way, taken in seconds.items():
            book.zero_grad(set_to_none=True)
            tokens.grad = None
            if options.device == "cuda":
                torch.cuda.synchronize()
            start, used = time.perf_counter(), time.process_time()
            made = step(way, book, tokens, pull)
            if options.device == "cuda":
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - start)
            busy[way].append(time.process_time() - used)
            q_map = book.img_query_model.q_map
            values[way] = [
                t.detach().clone()
                for t in (made, tokens.grad, book.space_dict.grad, q_map[1].weight.grad)
            ]
    medians = {way: statistics.median(taken) for way, taken in seconds.items()}
    processor = {way: statistics.median(taken) for way, taken in busy.items()}
    with torch.no_grad():
        support = (book(tokens, "image")[1] > 0).sum(1).float().mean()
    memory = {}
    for way in seconds:
        command = [sys.executable, __file__, *sys.argv[1:], "--memory", way]
        told = [
            int(
                subprocess.run(
                    command, check=True, capture_output=True, env=os.environ | _HANDED_BACK
                ).stdout
            )
            for _ in range(options.repeats)
        ]
        memory[way] = statistics.median(told)
    print(f"codes in the support, on average: {support:.0f}")
    made_bytes = 4 * (
        tokens.numel() + book.space_dict.numel()
        + sum(p.numel() for p in book.img_query_model.parameters())
    )  # fmt: skip
    for way in seconds:
        print(
            f"{way:>9}: {medians[way]:7.3f} s ({processor[way]:.3f} s of processor), peak "
            f"{memory[way] / 2**20:7.1f} MiB above inputs, of which gradients handed back "
            f"{made_bytes / 2**20:.1f} MiB"
        )
    print(f"ratio: {medians['published'] / medians['ours']:.2f}× faster "
          f"({processor['published'] / processor['ours']:.2f}× in processor time)")  # fmt: skip
    print(f"memory: {memory['published'] / memory['ours']:.2f}× less, with what is handed back")
    names = ("embedding", "tokens' gradient", "codes' gradient", "a weight's gradient")
    for name, a, b in zip(names, values["published"], values["ours"]):
        most, whole = (a - b).abs().max() / a.abs().max(), (a - b).norm() / a.norm()
        print(f"difference, {name}: largest {float(most):.1e}, in all {float(whole):.1e}")

    scores = torch.randn(128, options.codes, device=options.device) / 300
    for name, call in (("published", published_sparsemax), ("ours", sparsemax)):
        call(scores)
        start = time.perf_counter()
        for _ in range(5):
            call(scores)
        if options.device == "cuda":
            torch.cuda.synchronize()
        print(f"sparsemax (128, {options.codes}), {name}: "
              f"{(time.perf_counter() - start) / 5 * 1e3:.1f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
