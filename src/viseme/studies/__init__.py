"""Studies: the paper's open questions, each a plan of the package's own commands and a page of what they found."""
