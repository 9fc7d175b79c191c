"""Fusion against PyTorch's own encoder, whose faster path the published system fell into."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from earwitness.atlas.sat2sound import fusion  # noqa: E402
from earwitness.atlas.sat2sound.config import PARTS, Sizes  # noqa: E402
from earwitness.atlas.sat2sound.fusion import Metadata  # noqa: E402

SIZES = replace(Sizes.small(), width=16, fusion_feedforward=24)


def torchs_own(made: fusion.MetadataFusion) -> torch.nn.TransformerEncoder:
    layer = torch.nn.TransformerEncoderLayer(
        16, 8, 24, batch_first=True, activation="gelu", dropout=0.1
    )
    encoder = torch.nn.TransformerEncoder(layer, 3)
    encoder.load_state_dict(made.transformer_encoder.state_dict())
    return encoder


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("parts", [PARTS, ("latlong", "month", "time"), ("month",), ("time",)])
@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("way", ["learning", "no_grad", "frozen", "training"])
def test_missing_metadata_leave_as_from_pytorchs_encoder(
    rows: int, parts: tuple[str, ...], aligned: bool, way: str
) -> None:
    torch.manual_seed(rows)
    ours = fusion.MetadataFusion(parts, SIZES, published=True, dropout=0.0).train(way == "training")
    theirs = torchs_own(ours).train(way == "training")
    for module in theirs.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(module, torch.nn.MultiheadAttention):
            module.dropout = 0.0
    if way == "frozen":
        ours.requires_grad_(False)
        theirs.requires_grad_(False)
    for draw in range(6):
        chance = torch.Generator().manual_seed(draw)
        known = Metadata(
            latlong=torch.randn(rows, 4, generator=chance),
            month=torch.randn(rows, 2, generator=chance),
            time=torch.randn(rows, 2, generator=chance),
            asource=torch.randint(0, 4, (rows,), generator=chance),
            tsource=torch.randint(0, 3, (rows,), generator=chance),
        )
        month = torch.rand(rows, generator=chance) < 0.5
        time = month & (torch.rand(rows, generator=chance) < 0.5)  # the month goes with the hour
        if not aligned:
            month, time = time, month
        known = replace(known, month_valid=month, time_valid=time)
        tokens = torch.randn(rows, 9, 16, generator=chance)
        with torch.set_grad_enabled(way != "no_grad"):
            found, valid = ours(tokens, known)
            extra, _ = ours.meta_embed(known, rows)
            joined = torch.cat([tokens, extra], dim=1)
            wanted = theirs(joined, src_key_padding_mask=~valid)
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_our_own_embeddings_know_nothing_of_what_is_missing() -> None:
    """Whatever stands where metadata are missing, and whoever else is in the batch."""
    torch.manual_seed(0)
    made = fusion.MetadataFusion(PARTS, SIZES).eval()
    tokens = torch.randn(3, 9, 16)
    valid = torch.tensor([1, 0, 1])
    found = []
    for other in (0.0, 7.0):
        month = torch.full((3, 2), other)
        month[valid.bool()] = 0.3
        known = Metadata(month=month, month_valid=valid, latlong=torch.ones(3, 4))
        fused, keep = made(tokens, known)
        found.append(fused[keep])
        alone, kept = made(tokens[1:2], Metadata(latlong=torch.ones(1, 4)))
        torch.testing.assert_close(alone[kept], fused[1][keep[1]], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(*found)
