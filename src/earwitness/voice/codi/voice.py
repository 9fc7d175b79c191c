"""The voice CoDi: what a region shows, and its words, to a stem of any length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import OptionError
from earwitness.models.device import require
from earwitness.models.resolve import resolve
from earwitness.voice import level, segments
from earwitness.voice.codi.config import RATE_HZ
from earwitness.voice.continuation import Plan, continued, plan
from earwitness.voice.contract import STEM_LUFS, Request, Voiced
from earwitness.voice.stem import stream

if TYPE_CHECKING:
    from earwitness.voice.codi.pipeline import Codi

Condition = Literal["both", "picture", "words"]
Samples = NDArray[np.float64]

_EDGE = RATE_HZ // 50  # samples that the vocoder's and the latent's borders reach into


class CodiVoice:
    """A voice that looks: CoDi on the picture of a region and on its words.

    Parameters
    ----------
    folder
        With the published ``.pth`` files or their conversion; None for what
        ``earwitness models fetch codi`` has fetched.
    steps
        Diffusion steps; the paper uses 500, and its authors advise no fewer.
    scale
        Guidance.
    condition
        ``both``, or the ``picture`` or the ``words`` alone. A sound without a picture (a bed) is
        made from its words in any case.
    device
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    precision
        ``fp32``, ``fp16`` or ``bf16``.
    batch
        Windows, of one sound or of several, that are generated at a time.
    model
        One that is loaded already, in place of a folder.

    Raises
    ------
    WeightsError
        If the weights are not here, not whole, or not CoDi's.
    PluginError
        If the extra ``[hub]`` is not installed.
    OptionError
        If an option is outside what is allowed.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        steps: int = 100,
        scale: float = 7.5,
        condition: Condition = "both",
        device: str = "auto",
        precision: str = "fp32",
        batch: int = 4,
        model: Codi | None = None,
    ) -> None:
        if condition not in get_args(Condition):
            raise OptionError(f"condition {condition!r}; choose both, picture or words")
        if not 1 <= batch <= 256:
            raise OptionError(f"batch {batch}; choose from 1 to 256")
        from earwitness.voice.codi.schedule import schedule

        schedule(steps)  # refuses what is not allowed before weights are looked for
        self.steps, self.scale, self.condition, self.batch = steps, scale, condition, batch
        if model is None:
            # What is not here is said before what would be needed to load it.
            place = resolve(folder, "codi") if folder is not None else resolve("codi")
            require("torch", "transformers", "safetensors", "ftfy", what="the voice CoDi")
            from earwitness.voice.codi.pipeline import Codi

            model = Codi.load(place, device=device, precision=precision)  # type: ignore[arg-type]
        self.model = model

    def voice(self, request: Request) -> Voiced:
        """Return the sound that was asked for.

        Parameters
        ----------
        request
            Its picture and its words are the condition. More than 10 s are windows of their own
            chance, overlapped.

        Returns
        -------
        Voiced

        Raises
        ------
        VoiceError
            If CoDi gives samples that are not finite numbers.
        """
        return self._voiced(request, lambda seeds: self._generate([request] * len(seeds), seeds))

    def voice_many(self, requests: Sequence[Request]) -> list[Voiced]:
        """Return several sounds, the windows of all of them generated in common batches.

        Parameters
        ----------
        requests
            Such as every region of a picture. What is generated is held in memory (64 kB for a
            second of sound).

        Returns
        -------
        list of Voiced
            The same as one by one, to within rounding.
        """
        asked = [(request, seed) for request in requests for seed in self._seeds(request)]
        made: dict[tuple[int, int], NDArray[np.float32]] = {}
        for start in range(0, len(asked), self.batch):
            some = asked[start : start + self.batch]
            sounds = self._generate([r for r, _ in some], [s for _, s in some])
            made |= {(id(r), s): sound for (r, s), sound in zip(some, sounds, strict=True)}

        def from_made(request: Request) -> Any:
            return lambda seeds: [made[id(request), seed] for seed in seeds]

        return [self._voiced(request, from_made(request)) for request in requests]

    @property
    def _edge(self) -> int:
        return min(_EDGE, self.model.config.samples // 8)

    def _plan(self, request: Request, index: int, samples: int) -> Plan:
        """Return the windows of one segment of a request."""
        return plan(
            samples,
            request.rate_hz,
            window=self.model.config.samples - 2 * self._edge,
            window_hz=RATE_HZ,
            seed=abs(request.seed) * 1_000_003 + index,
        )

    def _seeds(self, request: Request) -> list[int]:
        """Return the seeds of every window that a request will ask for."""
        parts = segments.lengths(request.samples, request.rate_hz, request.seed)
        return [
            seed
            for index, samples in enumerate(parts)
            for seed in self._plan(request, index, samples).seeds
        ]

    def _generate(self, requests: Sequence[Request], seeds: Sequence[int]) -> NDArray[np.float32]:
        from earwitness.voice.codi.pipeline import Condition as Seen

        conditions = []
        for request in requests:
            looks = request.pixels is not None and self.condition != "words"
            words = request.words.strip() or str(request.concept)
            says = self.condition != "picture" or not looks
            conditions.append(Seen(request.pixels if looks else None, words if says else None))
        return self.model.generate_many(conditions, list(seeds), steps=self.steps, scale=self.scale)

    def _voiced(self, request: Request, generate: Any) -> Voiced:
        def render(index: int, samples: int) -> Samples:
            made = continued(
                self._plan(request, index, samples),
                samples,
                request.rate_hz,
                generate,
                window=self.model.config.samples - 2 * self._edge,
                window_hz=RATE_HZ,
                edge=self._edge,
                batch=self.batch,
            )
            made = level.without_dc(level.checked(made, samples, "CoDi"), request.rate_hz)
            return level.at_loudness(made, request.rate_hz, STEM_LUFS)

        looks = request.pixels is not None and self.condition != "words"
        source = "its picture" if looks else "words"
        if looks and self.condition == "both":
            source = "its picture and words"
        return Voiced(
            blocks=stream(request, render),
            concept=request.concept or "generated",
            said=f"{request.words.strip() or request.concept}, generated by CoDi from {source}",
        )
