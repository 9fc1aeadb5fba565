"""Tests of the template: bake it, serve what comes out, ask as a browser would."""

import sys

sys.dont_write_bytecode = True  # a __pycache__ in the template's folder would be rendered
