"""Painting: one photo, folders of them, blends, and optimized pixels."""
