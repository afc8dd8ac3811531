"""How a head is held: told from landmarks, drawn from a prior, and given to generators of both families."""
