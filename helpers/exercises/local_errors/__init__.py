"""Exercises of chapter 10, local errors."""
