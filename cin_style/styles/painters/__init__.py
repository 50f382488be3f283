"""The painters: one function for each family of style images."""
