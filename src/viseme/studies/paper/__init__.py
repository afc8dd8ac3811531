"""`viseme study paper`: the whole paper as one plan, and a page with its tables and figures, its numbers beside ours."""
