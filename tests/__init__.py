"""Tests of the template, which bake projects, serve them, and call them as a browser would."""

import sys

sys.dont_write_bytecode = True  # cookiecutter would render a __pycache__ in the template's folder
