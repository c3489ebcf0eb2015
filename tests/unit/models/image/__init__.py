"""Tests of the classical image metrics."""
