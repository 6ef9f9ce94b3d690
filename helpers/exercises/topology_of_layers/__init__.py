"""Exercises of chapter 13, topology of layers."""
