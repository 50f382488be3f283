"""What a style is: its name and provenance, sets of style images, and blends of styles."""
