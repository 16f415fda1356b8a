"""Weightings: how K losses become one update."""
