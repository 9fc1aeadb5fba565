"""The cost of correctness: `uv run python -m benchmarks` measures it on this machine."""
