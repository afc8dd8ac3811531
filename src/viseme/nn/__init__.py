"""Building blocks that both families share."""
