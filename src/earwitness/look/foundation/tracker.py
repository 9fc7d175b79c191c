"""The tracker SAM 2: masks of one frame followed through those after it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.look.contract import Picture
from earwitness.look.foundation.part import ModelPart, normalised
from earwitness.models.settings import Settings

_MEMORY = 8
"""Frames that are kept: as many as the model's memory looks back, and one."""


class Sam2Tracker(ModelPart):
    """SAM 2.1's memory of what things look like (Ravi et al., 2024), one frame after the other.

    Parameters
    ----------
    source
        Folder or name of its weights, the same as for single pictures.
    entry
        Name in the register of what they must be.
    settings
        How it is run.
    """

    def __init__(
        self,
        source: str | Path | None = None,
        *,
        entry: str = "sam2-tiny",
        settings: Settings | None = None,
    ) -> None:
        super().__init__(source, entry=entry, settings=settings)
        self._session: Any = None
        self._frame = 0

    def begin(self, picture: Picture, masks: Sequence[NDArray[np.bool_]]) -> None:
        """Take what is to be followed from now on."""
        import torch
        from torch.nn.functional import interpolate
        from transformers import Sam2VideoInferenceSession

        model, place = self._model(), self.settings.place
        side = int(model.image_size)
        self._frame = 0
        self._session = session = Sam2VideoInferenceSession(
            video_height=picture.height_px,
            video_width=picture.width_px,
            inference_device=place,
            inference_state_device=place,
            video_storage_device=place,
            dtype=self.settings.dtype,
        )
        numbers = list(range(1, len(masks) + 1))
        for number, mask in zip(numbers, masks, strict=True):
            index = session.obj_id_to_idx(number)
            wide = torch.from_numpy(mask.astype(np.float32))[None, None].to(place)
            sized = interpolate(wide, (side, side), mode="bilinear", antialias=True) >= 0.5
            session.add_mask_inputs(index, 0, sized.to(self.settings.dtype))
        session.obj_with_new_inputs = numbers
        self._run(picture, 0)

    def step(self, picture: Picture) -> Sequence[NDArray[np.bool_] | None]:
        """Return where each is in the next frame, or None where it is out of sight."""
        self._frame += 1
        return self._run(picture, self._frame)

    def _run(self, picture: Picture, number: int) -> list[NDArray[np.bool_] | None]:
        import torch
        from torch.nn.functional import interpolate

        model = self._model()
        side = int(model.image_size)
        values = torch.from_numpy(normalised(picture.pixels, (side, side)))
        with torch.inference_mode(), self.settings.faster():
            answer = model(inference_session=self._session, frame=values, frame_idx=number)
            size = (picture.height_px, picture.width_px)
            wide = interpolate(answer.pred_masks.float(), size, mode="bilinear")
        there = answer.object_score_logits.float().flatten().cpu().numpy() > 0
        masks = (wide[:, 0] > 0).cpu().numpy()
        # The first frame's things are what they are; the model only says where they went.
        self._session.processed_frames.pop(number - _MEMORY, None)
        return [np.asarray(m, np.bool_) if seen else None for m, seen in zip(masks, there)]

    def _model(self) -> Any:
        def kind() -> Any:
            from transformers import Sam2VideoModel

            return Sam2VideoModel

        return self._load(kind)


sam2_large = partial(Sam2Tracker, entry="sam2-large")
