"""Exercises of chapter 4, pooling."""
