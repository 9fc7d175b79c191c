"""What sounds an aerial image makes one expect, told by a vision-language model.

The prompt is that of the paper (arXiv 2505.13777, supplement; its published code): LLaVA-1.5,
greedy, at most 77 new tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from earwitness.errors import MediaError, OptionError
from earwitness.extras import require
from earwitness.media.output import beside
from earwitness.media.pictures import read_picture
from earwitness.models.device import choose_device
from earwitness.verbs.progress import Progress, silent

PROMPT = (
    "What types of sounds can we expect to hear from the location captured by this aerial view "
    "image? Describe in up to two sentences."
)
NEW_TOKENS = 77
MODELS = ("llava", "smolvlm", "smolvlm-500m")
_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"}

Captioner = Callable[[Sequence[Image.Image]], list[str]]
"""Images to captions, one each."""


def load_captioner(what: str, *, name: str = "llava", device: str = "auto") -> Captioner:
    """Load a vision-language model.

    Parameters
    ----------
    what
        A name in the register (:data:`MODELS`), or a folder.
    name
        For a folder, which of them it holds.
    device
        Where it runs; in half precision on a GPU.
    """
    require("torch", "transformers", what="captions")
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from earwitness.models.register import entry_named
    from earwitness.models.resolve import load_pretrained, resolve

    name = what if what in MODELS else name
    if name not in MODELS:
        raise OptionError(f"no captioner is called {name!r}; choose {', '.join(MODELS)}")
    where = choose_device(device)
    folder = resolve(what, name)
    kind = torch.float16 if where == "cuda" else torch.float32
    model = load_pretrained(AutoModelForImageTextToText, folder, entry_named(name), dtype=kind).to(
        where
    )
    loader: Any = AutoProcessor
    # Pillow resizes images, so that torchvision need not be installed.
    processor = loader.from_pretrained(
        str(folder), local_files_only=True, trust_remote_code=False, backend="pil"
    )
    # Batches of prompts of one length each need no padding before images, but be sure.
    processor.tokenizer.padding_side = "left"
    if processor.tokenizer.pad_token is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token

    def prompt() -> str:
        if name == "llava":
            return f"USER: <image>\n{PROMPT}\nASSISTANT:"
        turn = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": PROMPT}]}]
        made: str = processor.apply_chat_template(turn, add_generation_prompt=True)
        return made

    def tell(images: Sequence[Image.Image]) -> list[str]:
        given = processor(
            text=[prompt()] * len(images), images=[[image] for image in images],
            return_tensors="pt", padding=True,
        ).to(where, kind)  # fmt: skip
        with torch.no_grad():
            made = model.generate(**given, max_new_tokens=NEW_TOKENS, do_sample=False)
        new = made[:, given["input_ids"].shape[1] :]
        said: list[str] = processor.batch_decode(new, skip_special_tokens=True)
        return [" ".join(text.split()) for text in said]

    return tell


def tiles_in(folder: Path | str) -> list[Path]:
    """Return the pictures of a folder and below, by name."""
    place = Path(folder)
    if not place.is_dir():
        raise OptionError(f"there is no folder {place}; give one with images")
    found = sorted(p for p in place.rglob("*") if p.suffix.lower() in _PICTURES and p.is_file())
    if not found:
        raise OptionError(f"{place} holds no images ({', '.join(sorted(_PICTURES))})")
    return found


def caption_tiles(
    folder: Path | str,
    out: Path | str,
    *,
    captioner: Captioner,
    name: str,
    batch: int = 4,
    skip_bad: bool = False,
    progress: Progress = silent,
) -> tuple[int, dict[str, str]]:
    """Caption every image of a folder, into Parquet: key, image_caption, model, prompt.

    What is done is kept beside ``out`` as it goes; the same call goes on after a stop.

    Parameters
    ----------
    folder
        Of images; a caption's key is the image's path in it.
    out
        A ``.parquet`` file.
    captioner, name
        From :func:`load_captioner`, and what to call it.
    batch
        Images at a time.
    skip_bad
        Pass over images that cannot be read; otherwise the first stops it.
    progress
        Told how far it is.

    Returns
    -------
    int, dict
        Captions in the file; images passed over, with the reason.
    """
    require("pyarrow", what="writing Parquet", extra="train")
    target = Path(out)
    if target.suffix != ".parquet":
        raise OptionError(f"{target.name} is no .parquet file; end its name so")
    if batch < 1:
        raise OptionError(f"batch is {batch}; give 1 or more")
    tiles = tiles_in(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    journal = target.with_name(f".{target.name}.{name.replace('/', '_')}.jsonl")
    done = dict(_done(journal))
    bad: dict[str, str] = {}
    held: list[tuple[str, Image.Image]] = []

    def say() -> None:
        if not held:
            return
        told = captioner([image for _, image in held])
        with journal.open("a", encoding="utf-8") as file:
            for (key, _), text in zip(held, told):
                done[key] = text
                file.write(json.dumps([key, text]) + "\n")
        held.clear()

    for number, path in enumerate(tiles):
        key = path.relative_to(folder).as_posix()
        if key in done:
            continue
        try:
            held.append((key, Image.fromarray(read_picture(path).pixels)))
        except MediaError as error:
            if not skip_bad:
                raise
            bad[key] = str(error)
            continue
        if len(held) == batch:
            say()
        progress(f"captions, {number + 1} of {len(tiles)}", (number + 1) / len(tiles))
    say()
    keys = [k for k in (p.relative_to(folder).as_posix() for p in tiles) if k in done]
    _write(target, keys, done, name)
    journal.unlink(missing_ok=True)
    return len(keys), bad


def _done(journal: Path) -> Iterator[tuple[str, str]]:
    if not journal.exists():
        return
    for line in journal.read_text("utf-8").splitlines():
        try:
            key, text = json.loads(line)
        except ValueError:
            continue  # the last line, when a stop cut it
        yield str(key), str(text)


def _write(target: Path, keys: list[str], done: dict[str, str], name: str) -> None:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    columns: dict[str, Any] = {
        "key": keys,
        "image_caption": [done[key] for key in keys],
        "model": [name] * len(keys),
        "prompt": [PROMPT] * len(keys),
    }
    with beside(target) as made:
        parquet.write_table(arrow.table(columns), made)
