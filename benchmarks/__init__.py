"""What correctness costs: `uv run python -m benchmarks` measures it, here and now."""
