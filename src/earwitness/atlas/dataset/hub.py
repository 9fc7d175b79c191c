"""Data sets on the Hugging Face hub: their Parquet shards, fetched once by the hub's own client."""

from __future__ import annotations

import re
from pathlib import Path

from earwitness.atlas.dataset.rows import DatasetError
from earwitness.atlas.dataset.sources import ParquetSource, Source, known_split, split_in_name
from earwitness.atlas.telling import Progress
from earwitness.extras import require

_PATIENCE_S = 6.0


def open_hub(name: str, split: str | None, progress: Progress) -> Source:
    """Open ``OWNER/NAME``: fetch the Parquet shards of a split, those not here yet.

    Parameters
    ----------
    name
        Such as ``MVRL/GeoSound``.
    split
        Only its shards are fetched; None for all.
    progress
        Told after each shard.

    Raises
    ------
    DatasetError
        Within seconds where the hub cannot be reached, or if there is no such data set.
    """
    require("huggingface_hub", what=f"the data set hf:{name}", extra="train")
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name):
        raise DatasetError(f"hf:{name} is no name of a data set; give hf:OWNER/NAME")
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    try:
        info = HfApi().dataset_info(name, timeout=_PATIENCE_S)
    except RepositoryNotFoundError as error:
        raise DatasetError(
            f"the hub has no public data set {name}; check the name, or log in with "
            f"'hf auth login' if it is yours"
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise DatasetError(_unreachable(name, error)) from error
    except Exception as error:  # the client's HTTP library has errors of its own
        if "httpx" not in type(error).__module__ and "requests" not in type(error).__module__:
            raise
        raise DatasetError(_unreachable(name, error)) from error
    every = [file.rfilename for file in info.siblings or [] if file.rfilename.endswith(".parquet")]
    shards = [f for f in every if split is None or known_split(split_in_name(f)) == split]
    if not shards:
        raise DatasetError(
            f"hf:{name} has {len(every)} Parquet shards, none of the split {split!r}; the hub may "
            f"still be converting it, or its shards are named in another way"
        )
    files, root = [], Path()
    for number, shard in enumerate(sorted(shards)):
        progress(f"fetching {shard}", number / len(shards))
        try:
            got = hf_hub_download(name, shard, repo_type="dataset", revision=info.sha)
        except (HfHubHTTPError, OSError) as error:
            raise DatasetError(_unreachable(name, error)) from error
        files.append(Path(got))
        root = Path(got[: -len(shard)])
    return ParquetSource(files, root)


def _unreachable(name: str, error: BaseException) -> str:
    reason = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
    return (
        f"the hub cannot be reached for hf:{name} ({reason}); try again with a network, or give "
        f"the folder of its Parquet shards"
    )
