"""A corpus that is rendered instead of recorded: many talking faces, their voices, and the truth about both.

Nothing heavy is imported here; `viseme.data.synthetic.make` does the work.
"""
