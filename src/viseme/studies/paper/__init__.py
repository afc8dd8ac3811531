"""`viseme study paper`: the whole paper as one plan; its tables and figures made again, its numbers beside ours."""
