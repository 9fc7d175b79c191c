"""What stands for Sat2Sound where PyTorch is not installed: the model in the package can be had."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from earwitness.errors import PluginError

if TYPE_CHECKING:
    from earwitness.atlas.embedders import BuiltinEmbedder


class Sat2Sound:
    """The joint model without PyTorch."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise PluginError(
            "Sat2Sound needs the module 'torch', which is not installed. Install the extra that "
            "carries it: pip install 'earwitness[train]'; without, Sat2Sound.load('builtin') works"
        )

    @classmethod
    def load(cls, path: Path | str, **_: Any) -> BuiltinEmbedder:
        """Return the built-in model; see :class:`~earwitness.atlas.embedders.BuiltinEmbedder`.

        Raises
        ------
        PluginError
            If it is not ``builtin`` that is asked for.
        """
        if str(path) != "builtin":
            raise PluginError(
                f"loading {path} needs the module 'torch', which is not installed. Install the "
                f"extra that carries it: pip install 'earwitness[train]'"
            )
        from earwitness.atlas.embedders import BuiltinEmbedder

        return BuiltinEmbedder()
