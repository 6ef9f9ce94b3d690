"""Exercises of chapter 5, activations."""
