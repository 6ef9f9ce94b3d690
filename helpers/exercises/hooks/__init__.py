"""Exercises of chapter 8, hooks."""
