"""The sizes and habits of a Sat2Sound model: one frozen value, from 5 M to 166 M parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from earwitness.errors import OptionError

PARTS = ("asource", "tsource", "latlong", "month", "time")
"""Kinds of metadata, in the order of their tokens."""

GROUND_M = {"sentinel": 10.0, "bingmap": 0.6, "googleEarth": 0.2, "marble": 7413.0}
"""Imagery → metres on the ground per pixel at zoom 1."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How wide and deep each part is; the defaults are the published 166 M parameter model.

    Parameters
    ----------
    vit_width, vit_depth, vit_heads
        Satellite transformer (tokens of 16 × 16 pixels of a 224 × 224 image).
    width
        Width of image and metadata tokens after the projector.
    fusion_feedforward
        Hidden width of the three metadata fusion layers.
    swin_width, swin_depths, swin_heads
        Audio transformer: width of the first stage (the last is 8 times as wide), blocks and heads
        of the four stages.
    swin_classes
        Size of the audio classifier that published checkpoints carry without using it.
    text_width
        Width of the text states (1024 for Flan-T5 large).
    codes, code_width
        Entries of the codebook and the width of an entry, which is that of an embedding.
    image_px, patch_px
        Side of an image and of a patch.
    frames
        Frames of a spectrogram: 64 times a square number, 1024 or 256. With 256, four of the usual
        frames are averaged into one (ten seconds still), in power.
    window
        Side of the audio transformer's windows of attention: 8, or 4 for 256 frames.

    Examples
    --------
    >>> Sizes().audio_width, Sizes.small().codes
    (768, 1024)
    """

    vit_width: int = 768
    vit_depth: int = 12
    vit_heads: int = 12
    width: int = 1024
    fusion_feedforward: int = 2048
    swin_width: int = 96
    swin_depths: tuple[int, ...] = (2, 2, 6, 2)
    swin_heads: tuple[int, ...] = (4, 8, 16, 32)
    swin_classes: int = 527
    text_width: int = 1024
    codes: int = 16000
    code_width: int = 1024
    image_px: int = 224
    patch_px: int = 16
    frames: int = 1024
    window: int = 8

    def __post_init__(self) -> None:
        object.__setattr__(self, "swin_depths", tuple(self.swin_depths))
        object.__setattr__(self, "swin_heads", tuple(self.swin_heads))
        for name in (f.name for f in fields(self) if f.type == "int"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise OptionError(f"{name} is {value!r}; give a whole number above 0")
        if len(self.swin_depths) != 4 or len(self.swin_heads) != 4:
            raise OptionError(
                f"the audio transformer has {len(self.swin_depths)} depths and "
                f"{len(self.swin_heads)} head counts; give four of each"
            )
        divided = {"vit_width by vit_heads": (self.vit_width, self.vit_heads)}
        divided["vit_width by 4 (positions)"] = (self.vit_width, 4)
        divided["width by 8 (fusion heads)"] = (self.width, 8)
        divided["image_px by patch_px"] = (self.image_px, self.patch_px)
        for stage, heads in enumerate(self.swin_heads):
            divided[f"stage {stage} of the audio transformer by its heads"] = (
                self.swin_width * 2**stage,
                heads,
            )
        if (self.frames, self.window) not in ((1024, 8), (256, 4)):
            raise OptionError(
                f"spectrograms of {self.frames} frames with windows of {self.window}; "
                f"choose 1024 with 8, or 256 with 4"
            )
        for what, (whole, part) in divided.items():
            if whole % part:
                raise OptionError(f"cannot divide {what}: {whole} / {part}; change either")

    @property
    def audio_width(self) -> int:
        """Width of an audio token."""
        return self.swin_width * 8

    @property
    def side(self) -> int:
        """Patches along a side of an image."""
        return self.image_px // self.patch_px

    @property
    def chunks(self) -> int:
        """Pieces that a spectrogram is folded into."""
        return 4 if self.frames == 1024 else 2

    @classmethod
    def builtin(cls) -> Sizes:
        """Return the sizes of the built-in model: Blue Marble crops of 16 pixels."""
        return cls(
            vit_width=128, vit_depth=4, vit_heads=4, width=128, fusion_feedforward=256,
            swin_width=16, swin_depths=(1, 1, 2, 2), swin_heads=(1, 2, 4, 8), swin_classes=1,
            text_width=384, codes=512, code_width=128, image_px=16, patch_px=4, frames=256,
            window=4,
        )  # fmt: skip

    @classmethod
    def small(cls) -> Sizes:
        """Return the sizes of the small model (about 5 M parameters) that trains on two cores."""
        return cls(
            vit_width=192, vit_depth=6, vit_heads=3, width=192, fusion_feedforward=384,
            swin_width=24, swin_depths=(2, 2, 2, 2), swin_heads=(1, 2, 4, 8), swin_classes=1,
            text_width=384, codes=1024, code_width=192,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Config:
    """A model: its sizes, what metadata it reads, what it was trained on, and whose habits it has.

    Parameters
    ----------
    sizes
        Widths and depths.
    parts
        Kinds of metadata read, out of :data:`PARTS`; empty for none.
    imagery
        One of :data:`GROUND_M`; the ground distance of a pixel at zoom 1.
    combined
        Whether the loss has the image ↔ audio + caption term.
    published
        True gives the published system's behaviour, defects and all. False, the default, mends
        them: padding never reaches an embedding (caption padding and missing metadata are left out
        of the maximum), hour 0 differs from hour 23, the poles differ, labels may be unknown,
        metadata are dropped in training only.
    droprate
        Share of each kind of metadata dropped in training.
    pseudo_alpha, caption_weight
        Weights of the pseudo-positives and of the image caption's term in the loss.
    temperature
        What the codebook's scores are divided by. The published 1000 suits 16,000 codes; with
        fewer, take less, or every code is in every embedding.
    dropout, drop_path, spec_augment
        Regularisation in training: of the fusion layers, of the audio blocks (largest, growing
        linearly), and whether stripes are cut out of spectrograms.
    text_encoder
        Whose states the model's words are; see :func:`earwitness.atlas.texts.load_text_encoder`.
    codebook
        False embeds by the mean of the queries instead, for comparison.
    level_free
        Bring every spectrogram to the same mean power first: how loud a recording is says more of
        its recorder than of its place.

    Examples
    --------
    >>> Config(parts=("time", "latlong")).parts
    ('latlong', 'time')
    """

    sizes: Sizes = field(default_factory=Sizes)
    parts: tuple[str, ...] = PARTS
    imagery: str = "sentinel"
    combined: bool = True
    published: bool = False
    droprate: float = 0.5
    pseudo_alpha: float = 0.1
    caption_weight: float = 1.0
    temperature: float = 1000.0
    dropout: float = 0.1
    drop_path: float = 0.1
    spec_augment: bool = True
    text_encoder: str = "flan-t5-large"
    codebook: bool = True
    level_free: bool = False

    def __post_init__(self) -> None:
        unknown = sorted(set(self.parts) - set(PARTS))
        if unknown:
            raise OptionError(f"no metadata is called {unknown}; choose from {', '.join(PARTS)}")
        object.__setattr__(self, "parts", tuple(part for part in PARTS if part in self.parts))
        if self.imagery not in GROUND_M:
            raise OptionError(
                f"no imagery is called {self.imagery!r}; choose from {', '.join(GROUND_M)}"
            )
        if not 0 <= self.droprate <= 1:
            raise OptionError(f"droprate is {self.droprate}; give a share between 0 and 1")

    @classmethod
    def builtin(cls) -> Config:
        """Return the built-in model's: Blue Marble, place and time, words read by the package.

        What is known of a place varies by the plan (``Variation``), not by a droprate.
        """
        return cls(
            sizes=Sizes.builtin(), parts=("latlong", "month", "time"), imagery="marble",
            droprate=0.0, pseudo_alpha=0.0, temperature=50.0, dropout=0.0, drop_path=0.0,
            level_free=True, text_encoder="builtin",
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Config:
        """Read what :meth:`as_dict` wrote.

        Examples
        --------
        >>> Config.from_dict(Config(imagery="bingmap").as_dict()).imagery
        'bingmap'
        """
        try:
            given = dict(held)
            return cls(**{**given, "sizes": Sizes(**given.get("sizes", {}))})
        except TypeError as error:
            raise OptionError(f"the model's configuration cannot be read: {error}") from error

    @classmethod
    def from_hyper_parameters(cls, held: Mapping[str, Any], sizes: Sizes) -> Config:
        """Read the training arguments that a published checkpoint carries.

        Parameters
        ----------
        held
            The dictionary ``hyper_parameters``; arguments of no matter here are passed over.
        sizes
            Sizes, which the weights tell.

        Returns
        -------
        Config
            With ``published=True``.

        Raises
        ------
        OptionError
            If the arguments describe a variant that no published checkpoint was made with.
        """
        required = {"text_qmap": 1, "metadata_fusion": "early", "shared_codebook": 1}
        for name, wanted in required.items():
            if name in held and held[name] not in (wanted, str(wanted)):
                raise OptionError(
                    f"the checkpoint was trained with {name}={held[name]!r}; only {wanted!r} is "
                    f"supported, as in all published files"
                )
        kinds = str(held.get("metadata_type", "none"))
        return cls(
            sizes=sizes,
            # By substring, as the published code does.
            parts=tuple(part for part in PARTS if part in kinds),
            imagery=str(held.get("sat_type", "sentinel")),
            combined=bool(int(held.get("combined_modality_loss", 1))),
            published=True,
            droprate=float(held.get("meta_droprate", 0.0)),
            pseudo_alpha=float(held.get("pseudo_match_alpha", 0.1)),
            caption_weight=float(held.get("fdt_weight", 1.0)),
        )

    def with_parts(self, parts: tuple[str, ...]) -> Config:
        """Return the same model reading fewer kinds of metadata, for ablations."""
        return replace(self, parts=parts)
