"""The hub: what a revision holds, and its download. Only :mod:`~earwitness.models.store` asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol

from earwitness.errors import WeightsError
from earwitness.extras import require
from earwitness.models.register import Entry

_PATIENCE_S = 4.0


@dataclass(frozen=True)
class Revision:
    """A commit on the hub and the files of it that are needed.

    Parameters
    ----------
    commit
        40 hexadecimal digits.
    files
        SHA-256 by path where the hub tells it (large files), else an empty text.
    size
        In all, bytes; 0 where the hub does not tell.
    """

    commit: str
    files: Mapping[str, str]
    size: int


class Hub(Protocol):
    """Where weights are published."""

    def describe(self, entry: Entry) -> Revision:
        """Return the revision to fetch; fail within seconds where the hub cannot be reached."""
        ...

    def download(self, entry: Entry, revision: Revision, folder: Path) -> None:
        """Put the files of a revision into a folder, going on with what is there already."""
        ...


class HuggingFace:
    """The Hugging Face hub, through its own client."""

    def describe(self, entry: Entry) -> Revision:
        """Return the pinned revision of an entry, or the newest where none is pinned."""
        require("huggingface_hub", what="fetching weights")
        from huggingface_hub import HfApi

        try:
            info = HfApi().model_info(
                entry.hub,
                revision=entry.revision or None,
                files_metadata=True,
                timeout=_PATIENCE_S,
            )
        except Exception as error:
            raise _failed(entry, error) from error
        files: dict[str, str] = {}
        size = 0
        for one in info.siblings or ():
            if any(fnmatch(one.rfilename, pattern) for pattern in entry.files):
                large = one.lfs
                files[one.rfilename] = str(large.sha256) if large else ""
                size += int(one.size or 0)
        return Revision(str(info.sha), files, size)

    def download(self, entry: Entry, revision: Revision, folder: Path) -> None:
        """Put the files of a revision into a folder."""
        from huggingface_hub import snapshot_download

        try:
            snapshot_download(
                entry.hub,
                revision=revision.commit,
                allow_patterns=sorted(revision.files),
                local_dir=folder,
                etag_timeout=_PATIENCE_S,
            )
        except Exception as error:
            raise _failed(entry, error) from error


def _failed(entry: Entry, error: Exception) -> WeightsError:
    """Return one line about why the hub did not give an entry, and what to do."""
    name = type(error).__name__
    first = next((x.strip() for x in str(error).splitlines() if x.strip()), "")[:160]
    if name == "GatedRepoError":
        advice = f"accept its licence at https://huggingface.co/{entry.hub} and run `hf auth login`"
    elif name in ("RepositoryNotFoundError", "RevisionNotFoundError"):
        advice = (
            f"it is not there any more, or not for you; look at https://huggingface.co/{entry.hub}"
        )
    else:
        advice = (
            "connect to the network and run it again, or copy the folder from another machine "
            f"into {entry.name!r} in the folder that EARWITNESS_MODELS names"
        )
    return WeightsError(f"{entry.hub} cannot be fetched ({name}: {first}); {advice}")
