"""Tests of the library alone, `cors_right/`, imported where it lies: nothing is rendered."""
