"""Reading and writing weights safely: no code is run, and every odd key is named.

Three kinds of file: Lightning ``.ckpt`` as published, our own ``.pt``, and ``.safetensors``.
"""

from __future__ import annotations

import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from earwitness.atlas.sat2sound.config import Config, Sizes
from earwitness.errors import WeightsError
from earwitness.models.packed import check_packed

_SHOWN = 20


class KeysError(WeightsError):
    """Weights whose names or shapes are not those of the model; ``keys`` holds all of them."""

    def __init__(self, message: str, keys: Keys) -> None:
        self.keys = keys
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Keys:
    """How the names in a file and in a model differ.

    Parameters
    ----------
    missing
        In the model, not in the file: these weights would stay as they were made, at random.
    extra
        In the file, not in the model.
    mismatched
        In both with different shapes: name → (in the file, in the model).
    left_out
        In the file, and passed over because fewer kinds of metadata were asked for.
    """

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    mismatched: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether there is anything wrong."""
        return bool(self.missing or self.extra or self.mismatched)

    def __str__(self) -> str:
        """List them in words."""
        parts = []
        for what, names in (("missing", self.missing), ("extra", self.extra)):
            if names:
                parts.append(f"{len(names)} {what}: {_few(names)}")
        if self.mismatched:
            shown = [
                f"{name} {a} in the file, {b} here" for name, (a, b) in self.mismatched.items()
            ]
            parts.append(f"{len(shown)} of another shape: {_few(shown)}")
        return "; ".join(parts) or "no difference"


def _few(names: Iterable[str]) -> str:
    held = list(names)
    more = f", and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
    return ", ".join(held[:_SHOWN]) + more


@dataclass(frozen=True, slots=True)
class Stored:
    """What a file holds: tensors, the model's configuration, and whether heads are a guess."""

    tensors: dict[str, Tensor]
    config: Config
    guessed: bool = False


def unpickle(path: Path) -> Any:
    """Read a file of tensors, numbers and words; refuse any that could run code."""
    check_packed(path)
    try:
        with warnings.catch_warnings():  # of a pickle's age; what matters is said below
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            return torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except pickle.UnpicklingError as error:
        if not _pickled(path):
            raise WeightsError(
                f"{path.name} is no checkpoint but another kind of file; give a .ckpt, .pt or "
                f".safetensors"
            ) from error
        reason = re.sub(r"\s+", " ", str(error))
        named = re.search(r"GLOBAL (\S+)", reason)
        what = f"it names {named[1]}" if named else "it is not plain tensors and numbers"
        raise WeightsError(
            f"{path.name} was not opened, since reading it could run code: {what}. "
            f"Ask whoever made it for a safetensors file; never open it by other means"
        ) from error
    except (RuntimeError, EOFError, ValueError, OSError, KeyError, IndexError) as error:
        raise WeightsError(
            f"{path.name} ({path.stat().st_size} bytes) cannot be read as a checkpoint: it is cut "
            f"short or is another kind of file. Fetch it again and compare its size"
        ) from error


def _pickled(path: Path) -> bool:
    """Return whether a file begins as PyTorch's do, new or old."""
    with path.open("rb") as file:
        return zipfile.is_zipfile(path) or file.read(1) == b"\x80"


def guess_heads(width: int) -> int:
    """Return how many heads a vision transformer of a width has: 64 channels each, else 4.

    Weights do not tell. 12 heads of 64 is the published model.
    """
    return width // 64 if width % 64 == 0 else 4


def sizes_of(tensors: Mapping[str, Tensor], vit_heads: int | None = None) -> Sizes:
    """Tell a model's sizes from its weights.

    Parameters
    ----------
    tensors
        By published names.
    vit_heads
        Heads of the satellite transformer, which the weights do not tell; see :func:`guess_heads`.

    Returns
    -------
    Sizes

    Raises
    ------
    WeightsError
        If a tensor that tells a size is not there.
    """

    def shape(name: str) -> tuple[int, ...]:
        if name not in tensors:
            raise WeightsError(
                f"the file is no Sat2Sound model: it has no {name!r} among its {len(tensors)} "
                f"tensors ({_few(list(tensors)[:3])}, …)"
            )
        return tuple(tensors[name].shape)

    def count(pattern: str) -> int:
        found = {int(m[1]) for m in (re.match(pattern, name) for name in tensors) if m}
        return len(found)

    vit, swin = "satmae_backbone.backbone.", "audio_encoder.model.audio_enc."
    width = shape(vit + "patch_embed.proj.weight")[0]
    fusion = "sat_encoder.meta_fuser.transformer_encoder.layers.0.linear1.weight"
    head = swin + "head.weight"
    table = "attn.relative_position_bias_table"
    codes, code_width = shape("fdt.space_dict")
    return Sizes(
        vit_width=width,
        vit_depth=count(re.escape(vit) + r"blocks\.(\d+)\."),
        vit_heads=vit_heads or guess_heads(width),
        width=shape("satmae_backbone.projector.linear2.weight")[0],
        fusion_feedforward=shape(fusion)[0] if fusion in tensors else Sizes().fusion_feedforward,
        swin_width=shape(swin + "patch_embed.proj.weight")[0],
        swin_depths=tuple(
            count(re.escape(swin) + rf"layers\.{stage}\.blocks\.(\d+)\.") for stage in range(4)
        ),
        swin_heads=tuple(shape(f"{swin}layers.{stage}.blocks.0.{table}")[1] for stage in range(4)),
        swin_classes=shape(head)[0] if head in tensors else 1,
        text_width=shape("fdt.txt_query_model.q_map.0.weight")[0],
        codes=codes,
        code_width=code_width,
    )


def read(path: Path | str, *, vit_heads: int | None = None) -> Stored:
    """Read a checkpoint without running anything in it.

    Parameters
    ----------
    path
        ``.ckpt``, ``.pt`` or ``.safetensors``.
    vit_heads
        See :func:`sizes_of`; only for published files of other sizes than the published ones.

    Returns
    -------
    Stored

    Raises
    ------
    WeightsError
        If the file is not there, would run code, is cut short, or is no Sat2Sound model.
    """
    path = Path(path)
    if path.is_dir():
        raise WeightsError(f"{path} is a folder; of a run, give its averaged.pt")
    if not path.is_file():
        raise WeightsError(f"there is no file {path}; give the path of a checkpoint")
    if path.suffix == ".safetensors":
        return _read_safetensors(path, vit_heads)
    held = unpickle(path)
    if not isinstance(held, dict) or not isinstance(held.get("state_dict"), dict):
        found = ", ".join(map(str, list(held)[:5])) if isinstance(held, dict) else type(held)
        raise WeightsError(
            f"{path.name} has no 'state_dict' (found: {found}); give a Sat2Sound checkpoint, not "
            f"the weights of a part"
        )
    tensors = _only_tensors(held["state_dict"], path)
    if "earwitness" in held:
        return Stored(tensors, _believed(Config.from_dict(held["earwitness"]), tensors, path))
    hyper = held.get("hyper_parameters")
    if not isinstance(hyper, dict):
        raise WeightsError(
            f"{path.name} has no 'hyper_parameters', which say what metadata it reads; give a "
            f"Lightning checkpoint as published, or one of ours"
        )
    sizes = sizes_of(tensors, vit_heads)
    guessed = vit_heads is None and sizes.vit_width != Sizes().vit_width
    return Stored(tensors, Config.from_hyper_parameters(hyper, sizes), guessed)


def _only_tensors(held: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    wrong = [str(name) for name, value in held.items() if not _plain(value)]
    if wrong:
        raise WeightsError(f"{path.name}: these are no plain tensors: {_few(wrong)}")
    # A view may repeat a few stored bytes without end; nobody's weights do.
    unreal = [
        str(n) for n, value in held.items() if _bytes(value) > value.untyped_storage().nbytes()
    ]
    if unreal:
        raise WeightsError(
            f"{path.name} says that tensors are larger than what it holds of them: {_few(unreal)}; "
            f"it is not whole, or somebody changed it"
        )
    spoiled = [
        str(name)
        for name, value in held.items()
        if value.is_floating_point() and not bool(torch.isfinite(value).all())
    ]
    if spoiled:
        raise WeightsError(
            f"{path.name} holds values that are not numbers (NaN or infinity) in "
            f"{_few(spoiled)}; the training had failed, take an earlier checkpoint"
        )
    return {str(name): value for name, value in held.items()}


def _plain(value: Any) -> bool:
    """Return whether something is a tensor with all its values in memory."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and not value.is_quantized
        and value.device.type == "cpu"
    )


def _bytes(value: Tensor) -> int:
    return value.numel() * value.element_size()


def _read_safetensors(path: Path, vit_heads: int | None) -> Stored:
    try:
        from safetensors import SafetensorError, safe_open
    except ModuleNotFoundError as error:
        raise WeightsError(
            "reading .safetensors needs the package safetensors: pip install 'earwitness[train]'"
        ) from error
    try:
        with safe_open(path, framework="pt") as file:
            words = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(
            f"{path.name} ({path.stat().st_size} bytes) is no whole safetensors file: {error}. "
            f"Fetch it again"
        ) from error
    if "earwitness" not in words:
        raise WeightsError(
            f"{path.name} does not say how its model is made (no 'earwitness' in its metadata); "
            f"convert the original with earwitness.atlas.sat2sound.to_safetensors"
        )
    tensors = _only_tensors(tensors, path)
    try:
        told = json.loads(words["earwitness"])
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path.name} has a configuration that is no JSON: {error}") from error
    return Stored(tensors, _believed(Config.from_dict(told), tensors, path))


_LARGEST = 1 << 20
"""Of a model's sizes: the published codebook has 16,000 codes."""

_MOST_PATCHES = 64
"""Along a side of an image: attention over more would take gigabytes."""


def _believed(config: Config, tensors: Mapping[str, Tensor], path: Path) -> Config:
    """Return a configuration from a file; refuse one that says more than its tensors can hold."""
    sizes = config.sizes
    deep = sizes.vit_depth + sum(sizes.swin_depths)
    if deep > len(tensors):
        raise WeightsError(
            f"{path.name} says that it has {deep} layers, and holds {len(tensors)} tensors; it is "
            f"not whole, or somebody changed it"
        )
    huge = {n: v for n, v in asdict(sizes).items() if isinstance(v, int) and v > _LARGEST}
    if huge:
        told = ", ".join(f"{name} is {value}" for name, value in huge.items())
        raise WeightsError(f"{path.name} says that {told}; allowed is at most {_LARGEST}")
    if sizes.side > _MOST_PATCHES:
        raise WeightsError(
            f"{path.name} says that an image has {sizes.side} × {sizes.side} patches; allowed are "
            f"{_MOST_PATCHES} along a side"
        )
    return config


def compare(
    stored: Mapping[str, Tensor], model: Mapping[str, Tensor], left_out: Iterable[str] = ()
) -> Keys:
    """Compare names and shapes of a file and of a model.

    Parameters
    ----------
    stored, model
        Tensors by name.
    left_out
        Names in the file that are passed over on purpose.

    Returns
    -------
    Keys
    """
    spared = tuple(name for name in left_out if name in stored and name not in model)
    return Keys(
        missing=tuple(name for name in model if name not in stored),
        extra=tuple(name for name in stored if name not in model and name not in spared),
        mismatched={
            name: (tuple(stored[name].shape), tuple(tensor.shape))
            for name, tensor in model.items()
            if name in stored and stored[name].shape != tensor.shape
        },
        left_out=spared,
    )


def check(
    here: Mapping[str, Tensor],
    stored: Mapping[str, Tensor],
    *,
    strict: bool,
    left_out: Iterable[str],
) -> Keys:
    """Return how a file and a model differ, before the model takes any memory.

    Parameters
    ----------
    here
        The model's tensors by name; those of the device ``meta`` will do.
    stored
        The file's.
    strict
        Refuse if any name is missing or extra, or any shape differs.
    left_out
        As in :func:`compare`.

    Raises
    ------
    KeysError
        If ``strict`` and they differ.
    WeightsError
        If the model would be far larger than the file.
    """
    keys = compare(stored, here, left_out)
    if keys and strict:
        raise KeysError(
            f"the checkpoint is not of this model: {keys}. Load with strict=False only if you "
            f"know why they differ",
            keys,
        )
    needed, held = (sum(t.numel() for t in tensors.values()) for tensors in (here, stored))
    if needed > 4 * held + _SPARE:
        raise WeightsError(
            f"the checkpoint's configuration asks for {needed} numbers, and the file has {held}; "
            f"it is not whole, or somebody changed it"
        )
    return keys


_SPARE = 200_000_000
"""Numbers that a model may have beyond its file: as many as the published one."""


def fill(
    model: torch.nn.Module, stored: Mapping[str, Tensor], *, strict: bool, left_out: Iterable[str]
) -> Keys:
    """Copy weights into a model.

    Parameters
    ----------
    model
        The model.
    stored
        Tensors by name.
    strict
        Refuse if any name is missing or extra, or any shape differs. Otherwise those are passed
        over and returned.
    left_out
        As in :func:`compare`.

    Returns
    -------
    Keys
        How file and model differ.

    Raises
    ------
    KeysError
        If ``strict`` and they differ.
    """
    here = model.state_dict()
    keys = check(here, stored, strict=strict, left_out=left_out)
    good = {n: t for n, t in stored.items() if n in here and n not in keys.mismatched}
    model.load_state_dict(good, strict=False)
    return keys


def save(path: Path | str, tensors: Mapping[str, Tensor], config: Config) -> None:
    """Write weights as ``.pt`` or ``.safetensors``, by the ending, whole or not at all.

    Parameters
    ----------
    path
        Where.
    tensors
        By name.
    config
        Of the model.
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        held = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
        save_file(held, part, metadata={"earwitness": json.dumps(config.as_dict())})
    else:
        torch.save({"state_dict": dict(tensors), "earwitness": config.as_dict()}, part)
    part.replace(path)


def to_safetensors(source: Path | str, target: Path | str, *, vit_heads: int | None = None) -> None:
    """Convert any checkpoint that can be read to safetensors, configuration included.

    Parameters
    ----------
    source, target
        Paths; the target ends in ``.safetensors``.
    vit_heads
        See :func:`read`.
    """
    if Path(target).suffix != ".safetensors":
        raise WeightsError(f"the target is called {Path(target).name}; end it in .safetensors")
    stored = read(source, vit_heads=vit_heads)
    save(target, stored.tensors, stored.config)


def convert(
    source: Path | str, target: Path | str, *, strict: bool = True, vit_heads: int | None = None
) -> Keys:
    """Convert a checkpoint to safetensors, once its names and shapes are known to be the model's.

    Parameters
    ----------
    source, target, vit_heads
        As in :func:`to_safetensors`.
    strict
        Refuse a file whose names or shapes differ; otherwise only what differs is left out or
        stays, and is told.

    Returns
    -------
    Keys
        How file and model differ.

    Raises
    ------
    KeysError
        If ``strict`` and they differ.
    """
    from earwitness.atlas.sat2sound.model import Sat2Sound

    if Path(target).suffix != ".safetensors":
        raise WeightsError(f"the target is called {Path(target).name}; end it in .safetensors")
    stored = read(source, vit_heads=vit_heads)
    with torch.device("meta"):
        here = Sat2Sound(stored.config).state_dict()
    keys = compare(stored.tensors, here)
    if keys and strict:
        raise KeysError(
            f"{Path(source).name} is not of this model: {keys}. Convert with --allow-different "
            f"(strict=False) only if you know why they differ",
            keys,
        )
    save(target, stored.tensors, stored.config)
    return keys
