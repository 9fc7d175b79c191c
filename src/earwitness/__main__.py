"""``python -m earwitness``, and ``accelerate launch -m earwitness``."""

from earwitness.cli.main import run

if __name__ == "__main__":
    run()
