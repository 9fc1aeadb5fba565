"""Tests of the template: bake it, serve what comes out, ask as a browser would."""
