"""Exercises of chapter 12, persistent homology."""
