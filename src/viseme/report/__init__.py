"""Results files side by side: one self-contained HTML page, a Markdown and a CSV table, and a model card.

It reads what `evaluate` left (results files, strips) and copies video bytes; it decodes nothing.
"""
