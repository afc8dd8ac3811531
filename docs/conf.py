"""Sphinx settings of the documentation: MyST pages, the furo theme."""

from __future__ import annotations

from viseme import __version__

project = "viseme"
author = "The viseme authors"
copyright = "The viseme authors"
release = version = __version__

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"viseme {__version__}"
html_show_sphinx = False
