"""CoDi's published files: read without running what they hold, merged, every key accounted for."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from earwitness.errors import WeightsError
from earwitness.models.packed import check_packed

CLIP_PREFIX = "clip.model."
AUDIO_PREFIX = "audioldm."
UNET_PREFIX = "model.diffusion_model.unet_audio."

ENCODERS = ("CoDi_encoders", "codi_encoders", "codi_encoder")
DIFFUSER = ("CoDi_audio_diffuser_m", "CoDi_audio_diffuser", "codi_audio")
"""Names of the two files that are needed, as published and as SEE-2-SOUND calls them."""

_NEEDED = (CLIP_PREFIX, AUDIO_PREFIX, UNET_PREFIX)

CONVERTED = "codi.safetensors"
_SUFFIXES = (".safetensors", ".pth")
_PLACES = (".", "codi", "checkpoints", "checkpoints_fp16")

# What CoDi's files hold under the needed prefixes without its being needed for sound.
_UNUSED = re.compile(
    r"clip\.model\.(.*\.temporal_self_attn\.|.*position_ids$|logit_scale$)"
    r"|audioldm\.(encoder\.|quant_conv\.|fn_STFT\.)"
    r"|model\.diffusion_model\.unet_audio\.(connecters_out|(in|out)put_block_connecters_in)\."
)


def unused(key: str) -> bool:
    """Return whether a key under a needed prefix is of a part that makes no sound.

    Examples
    --------
    >>> unused("audioldm.encoder.conv_in.weight"), unused("audioldm.decoder.conv_in.weight")
    (True, False)
    """
    return bool(_UNUSED.match(key))


def find(folder: Path) -> tuple[Path, ...]:
    """Return the files of a folder that hold CoDi's weights.

    Parameters
    ----------
    folder
        With ``codi.safetensors``, or the published pair ``CoDi_encoders`` and
        ``CoDi_audio_diffuser_m`` as ``.pth`` or ``.safetensors``.

    Raises
    ------
    WeightsError
        With what is there and what was expected.
    """
    if not folder.is_dir():
        raise WeightsError(
            f"{folder} is not a folder; give the one that holds CoDi's weights "
            f"({ENCODERS[0]}.pth and {DIFFUSER[0]}.pth, or {CONVERTED})"
        )
    for place in (folder / p for p in _PLACES):
        if (place / CONVERTED).is_file():
            return (place / CONVERTED,)
        pair = [_first(place, names) for names in (ENCODERS, DIFFUSER)]
        if pair[0] and pair[1]:
            return (pair[0], pair[1])
    there = sorted(p.name for p in folder.iterdir())[:8]
    raise WeightsError(
        f"{folder} does not hold CoDi's weights: there is {', '.join(there) or 'nothing'}; "
        f"expected {ENCODERS[0]}.pth and {DIFFUSER[0]}.pth, or {CONVERTED}. "
        "Run: earwitness models fetch codi"
    )


def _first(place: Path, names: Sequence[str]) -> Path | None:
    for name in names:
        for suffix in _SUFFIXES:
            if (place / (name + suffix)).is_file():
                return place / (name + suffix)
    return None


def read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of one file.

    Parameters
    ----------
    path
        ``.safetensors``, or a ``.pth``/``.pt``/``.ckpt``, of which nothing but tensors is read.

    Raises
    ------
    WeightsError
        If it is truncated, no such file, or a pickle of more than tensors.
    """
    if not path.is_file():
        raise WeightsError(f"{path} is not there; give a .pth or .safetensors file of CoDi")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    check_packed(path)
    try:
        try:
            held = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:  # the format before PyTorch 1.6 cannot be mapped
            held = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path} is refused: it holds more than tensors and could run a program when read "
            f"({str(error).strip().splitlines()[0][:120]}). Get the file again from its publisher"
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise WeightsError(
            f"{path} ({path.stat().st_size} bytes) is truncated or no file of PyTorch: "
            f"{str(error).strip().splitlines()[0][:120] if str(error).strip() else 'end of file'}. "
            "Fetch it again"
        ) from None
    if isinstance(held, Mapping) and isinstance(held.get("state_dict"), Mapping):
        held = held["state_dict"]
    if not isinstance(held, Mapping):
        raise WeightsError(f"{path} holds a {type(held).__name__}; expected a table of tensors")
    return {str(key): value for key, value in held.items() if isinstance(value, Tensor)}


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"{path} ({path.stat().st_size} bytes) is truncated or no safetensors file: {error}. "
            "Fetch it again"
        ) from None


def merge(files: Sequence[Path]) -> dict[str, Tensor]:
    """Return the needed tensors of several files; a later file goes before an earlier one.

    Weight norm that was left in (``weight_g``, ``weight_v``) is multiplied out; half precision
    becomes single.
    """
    table: dict[str, Tensor] = {}
    for path in files:
        table |= {k: v for k, v in read(path).items() if k.startswith(_NEEDED) and not unused(k)}
    for key in [k for k in table if k.endswith(".weight_g")]:
        stem = key.removesuffix("_g")
        direction = table.pop(stem + "_v", None)
        if direction is not None:
            gain = table.pop(key).float()
            axes = tuple(range(1, direction.ndim))
            norm = direction.float().norm(dim=axes, keepdim=True)
            table[stem] = direction.float() * (gain / norm)
    return {k: v.float() if v.is_floating_point() else v for k, v in table.items()}


def fill(module: Any, table: Mapping[str, Tensor], prefix: str, *, optional: str = "") -> None:
    """Give a module on the meta device its weights, each key exactly once.

    Parameters
    ----------
    module
        Whose keys are those of the table without the prefix.
    table
        From :func:`merge`.
    prefix
        Of the part.
    optional
        A key that keeps its own value where the table has none.

    Raises
    ------
    WeightsError
        With what is missing, has another shape, or belongs to another model.
    """
    needed = {k: tuple(v.shape) for k, v in module.state_dict().items() if k != optional}
    given = {k.removeprefix(prefix): v for k, v in table.items() if k.startswith(prefix)}
    missing = sorted(needed.keys() - given.keys())
    strange = sorted(given.keys() - needed.keys() - {optional})
    shapes = sorted(k for k in needed.keys() & given.keys() if needed[k] != tuple(given[k].shape))
    for keys, what in ((missing, "missing"), (shapes, "of another shape"), (strange, "unknown")):
        if keys:
            first = keys[0]
            detail = ""
            if what == "of another shape":
                detail = f" {tuple(given[first].shape)}, expected {needed[first]}"
            raise WeightsError(
                f"these are not CoDi's weights, or not all of them: {len(keys)} of "
                f"{len(needed)} keys under {prefix!r} are {what}, the first {first!r}{detail}. "
                "Give both CoDi_encoders.pth and CoDi_audio_diffuser_m.pth, or fetch them again: "
                "earwitness models fetch codi"
            )
    module.load_state_dict(
        {k: v for k, v in given.items() if k in needed}, strict=False, assign=True
    )
