"""Style embeddings of style images never seen, at once: the style predictor."""
