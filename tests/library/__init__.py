"""Tests of the library `cors_right/` alone, imported from the template without rendering."""
