"""Phrase → what it made, for fifty captions that others wrote: writes ``docs/phrases.md``.

Run ``python -m benchmarks.phrases``. The judgements stand in ``captions.toml``, made by reading.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

from earwitness.errors import VoiceError
from earwitness.voice.phrases import read, understand

HERE = Path(__file__).parent
VERDICTS = ("right", "partly", "wrong", "refused")


def made(text: str) -> str:
    """Return what a phrase is understood as, or the error."""
    try:
        phrase = understand(text)
    except VoiceError as error:
        return f"error: {str(error).split(';')[1].strip()}"
    said = ", ".join(wish.said for wish in phrase.wishes)
    return said + (f"; not {', '.join(phrase.refused)}" if phrase.refused else "")


def page() -> str:
    captions = tomllib.loads((HERE / "captions.toml").read_text("utf-8"))["caption"]
    lines = [
        "# Phrases that others wrote",
        "",
        "Made by `python -m benchmarks.phrases` from `benchmarks/captions.toml`, which says where",
        "the captions come from and what the judgements mean.",
        "",
        "| set | captions | | " + " | ".join(VERDICTS) + " |",
        "|---|---:|---|" + "---:|" * len(VERDICTS),
    ]
    for which in ("first", "second"):
        rows = [c for c in captions if c["set"] == which]
        for column in ("before", "now"):
            count = Counter(c[column] for c in rows)
            figures = " | ".join(str(count[v]) for v in VERDICTS)
            lines.append(f"| {which} | {len(rows)} | {column} | {figures} |")
    lines += ["", "The second set's *before* is the figure for words never seen.", ""]
    for which in ("first", "second"):
        lines += [f"## The {which} set", ""]
        lines += [
            "| caption | what it made | judged | not heard as anything |",
            "|---|---|---|---|",
        ]
        for c in captions:
            if c["set"] != which:
                continue
            judged = c["now"] + (f" (was {c['before']})" if c["before"] != c["now"] else "")
            unheard = " ".join(read(c["text"]).ignored)
            lines.append(f"| {c['text']} | {made(c['text'])} | {judged} | {unheard} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    target = HERE.parent / "docs" / "phrases.md"
    target.write_text(page(), "utf-8")
    print(f"wrote {target}")
