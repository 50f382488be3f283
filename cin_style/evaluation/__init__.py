"""How good pictures are: artefacts as numbers, losses, reports."""
