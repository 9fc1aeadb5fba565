"""Tests of the engine alone, `app/cors/`, imported where it lies: nothing is rendered."""
