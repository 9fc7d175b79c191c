"""What the voices share whose weights are a pipeline of diffusers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import WeightsError
from earwitness.extras import require
from earwitness.models.folder import again as what_to_run
from earwitness.models.register import entry_named, register
from earwitness.models.resolve import check_keys, quiet, resolve
from earwitness.models.settings import Settings
from earwitness.voice.generated import GeneratedVoice, Ranker


class PipelineVoice(GeneratedVoice):
    """A voice whose weights are a pipeline of diffusers.

    Parameters
    ----------
    source
        Folder with the weights, or a name in the register; None takes ``entry``.
    entry
        Name in the register of what it must be.
    modules
        What must be installed.
    settings
        How it is run.
    ranker
        Who picks among candidates.
    """

    unneeded: tuple[str, ...] = (r"position_ids$", r"position_embeddings_fake$")

    def __init__(
        self,
        source: str | Path | None,
        *,
        entry: str,
        modules: Sequence[str] = (),
        settings: Settings | None = None,
        ranker: Ranker | None = None,
    ) -> None:
        if source is not None and str(source) in register():
            entry = str(source)
        self.entry = entry_named(entry)
        self.folder = resolve(source if source is not None else entry, entry)
        require("torch", "transformers", "diffusers", *modules, what=self.entry.title)
        super().__init__(settings, ranker)

    def pipeline(self, kind: Callable[[], Any], parts: Callable[[], dict[str, Any]] = dict) -> Any:
        """Return the pipeline, from the shelf or with its weights from the folder.

        Every part's keys are compared with the headers of its files: a part that would keep
        random weights is refused.
        """

        def load() -> Any:
            settings = self.settings
            made = _loaded(kind(), self.folder, self, parts())
            for name, part in made.components.items():
                if hasattr(part, "state_dict") and (self.folder / name).is_dir():
                    check_keys(part, self.folder / name, self.entry, unneeded=self.unneeded)
            made.set_progress_bar_config(disable=True)
            if settings.low_memory and settings.place == "cuda":
                made.enable_model_cpu_offload(device=settings.place)
            else:
                made.to(settings.place)
            return made

        key = f"{self.entry.title} ({self.settings.precision})"
        return self.settings.shelf.get(key, load, device=self.settings.place)

    def noise_of(self, seeds: Sequence[int]) -> list[Any]:
        """Return a generator for each seed, on the CPU: the same noise on every device."""
        import torch

        return [torch.Generator().manual_seed(seed % 2**63) for seed in seeds]


def _loaded(kind: Any, folder: Path, voice: PipelineVoice, parts: dict[str, Any]) -> Any:
    from safetensors import SafetensorError

    try:
        with quiet(), _still():
            return kind.from_pretrained(
                str(folder),
                dtype=voice.settings.dtype,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                **parts,
            )
    except (OSError, ValueError, RuntimeError, TypeError, KeyError, SafetensorError) as error:
        line = next((x.strip() for x in str(error).splitlines() if x.strip()), "")
        raise WeightsError(
            f"{folder} could not be loaded as {voice.entry.title}: {line[:200]}. "
            f"{what_to_run(voice.entry)}"
        ) from error


@contextmanager
def _still() -> Any:
    """Keep diffusers from printing what is checked here, and its progress bars."""
    logging: Any = import_module("diffusers.utils.logging")
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        logging.enable_progress_bar()


def arrays(audios: Any) -> list[NDArray[np.float32]]:
    """Return what a pipeline gives as float32 arrays, one for each sound."""
    made = []
    for one in audios:
        values = one.detach().float().cpu().numpy() if hasattr(one, "detach") else one
        made.append(np.asarray(values, np.float32))
    return made
