"""The voice CoDi: what a region shows, and its words, to a stem of any length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import OptionError, VoiceError
from earwitness.extras import require
from earwitness.models.resolve import resolve
from earwitness.models.settings import Settings
from earwitness.voice.codi.config import RATE_HZ
from earwitness.voice.contract import Request
from earwitness.voice.generated import Ask, GeneratedVoice, Ranker, words_of

if TYPE_CHECKING:
    from earwitness.voice.codi.pipeline import Codi

Condition = Literal["both", "picture", "words"]

_EDGE_S = 0.02  # that the vocoder's and the latent's borders reach into
_STEPS, _GUIDANCE = 100, 7.5


class CodiVoice(GeneratedVoice):
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
        made from its words in any case; a region without a name from its picture and, where there
        is one, the user's prompt, as in SEE-2-SOUND.
    device
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    precision
        ``fp32``, ``fp16`` or ``bf16``.
    batch
        Windows, of one sound or of several, that are generated at a time.
    model
        One that is loaded already, in place of a folder.
    settings
        How it is run; where it says nothing, the options above count.
    ranker
        Who picks among candidates.

    Raises
    ------
    WeightsError
        If the weights are not here, not whole, or not CoDi's.
    PluginError
        If the extra ``[hub]`` is not installed.
    OptionError
        If an option is outside what is allowed.
    """

    title = "CoDi"
    rate_hz = RATE_HZ

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        steps: int | None = None,
        scale: float | None = None,
        condition: Condition = "both",
        device: str = "auto",
        precision: str = "fp32",
        batch: int = 4,
        model: Codi | None = None,
        settings: Settings | None = None,
        ranker: Ranker | None = None,
    ) -> None:
        if condition not in get_args(Condition):
            raise OptionError(f"condition {condition!r}; choose both, picture or words")
        if settings is None:
            settings = Settings(device=device, precision=precision, batch=batch)
        from earwitness.voice.codi.schedule import schedule

        chosen = steps if settings.steps is None else settings.steps
        self.steps = _STEPS if chosen is None else chosen
        schedule(self.steps)  # refuses what is not allowed before weights are looked for
        guidance = scale if settings.guidance is None else settings.guidance
        self.scale = _GUIDANCE if guidance is None else guidance
        if settings.negative:
            raise OptionError(
                "CoDi takes no negative prompt: what it is steered away from is no picture and "
                "no words; leave it out"
            )
        self.condition = condition
        self._given = model
        self._place: Path | None = None
        if model is None:
            # What is not here is said before what would be needed to load it.
            place = resolve(folder, "codi") if folder is not None else resolve("codi")
            require("torch", "transformers", "safetensors", "ftfy", what="the voice CoDi")
            from earwitness.voice.codi.weights import find

            find(place)
            self._place = place
        super().__init__(settings, ranker)

    @property
    def model(self) -> Codi:
        """The model, loaded when it is first needed."""
        if self._given is not None:
            return self._given
        settings, place = self.settings, self._place

        def load() -> Codi:
            from earwitness.voice.codi.pipeline import Codi

            return Codi.load(
                place or "",
                device=settings.device,
                precision=settings.precision,  # type: ignore[arg-type]
            )

        return settings.shelf.get(f"CoDi ({settings.precision})", load, device=settings.place)

    @property
    def _edge(self) -> int:
        return min(round(_EDGE_S * RATE_HZ), self.model.config.samples // 8)

    @property
    def _window(self) -> int:
        return self.model.config.samples - 2 * self._edge

    def checked(self, request: Request) -> None:
        """Refuse what there is neither a picture nor words of."""
        if not self._looks(request) and not words_of(request):
            raise VoiceError(
                "CoDi is given neither a picture nor words; give a --prompt, or name what is seen"
            )

    def _looks(self, request: Request) -> bool:
        return request.pixels is not None and self.condition != "words"

    def generate(self, asks: Sequence[Ask]) -> NDArray[np.float32]:  # type: ignore[override]
        """Return one window for each."""
        from earwitness.voice.codi.pipeline import Condition as Seen

        conditions = []
        for ask in asks:
            looks = self._looks(ask.request)
            words = words_of(ask.request)
            if looks and self.condition == "picture":
                words = ask.request.prompt.strip()
            conditions.append(Seen(ask.request.pixels if looks else None, words or None))
        return self.model.generate_many(
            conditions, [ask.seed for ask in asks], steps=self.steps, scale=self.scale
        )

    def source(self, request: Request) -> str:
        """Return who made a sound from what, for people."""
        if not self._looks(request):
            return "CoDi from words"
        said = self.condition == "both" and words_of(request)
        return "CoDi from its picture and words" if said else "CoDi from its picture"
