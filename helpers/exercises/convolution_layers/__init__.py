"""Exercises of chapter 3, convolution layers."""
