"""The code that tests share, because no test module imports another."""
