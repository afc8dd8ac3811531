"""Training any objective: the loop, the moving average, checkpoints and the run folder."""
