"""Tests of the engine alone, `cors_right/`, imported where it lies: nothing is rendered."""
