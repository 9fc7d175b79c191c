"""What pytest collects: modules of an extra are left out where the extra is not installed."""

from importlib.util import find_spec

collect_ignore_glob = []
if find_spec("torch") is None:
    collect_ignore_glob += ["src/earwitness/atlas/sat2sound/*", "src/earwitness/voice/codi/*"]
