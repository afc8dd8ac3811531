"""Scores of any system's videos against the true clips: one metric a file, intervals, results and frame strips."""
