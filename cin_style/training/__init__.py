"""Training networks, and adding styles to trained ones."""
