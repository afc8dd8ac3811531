"""Photos and a voice to try the page with, all our own: two rendered faces and a public-domain portrait."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from viseme.data.synthetic.actor import draw_actor
from viseme.data.synthetic.face import Renderer
from viseme.data.synthetic.make import synthesize_clip
from viseme.demonstration import portrait, voice
from viseme.web.messages import Example

SEED = 4
SIZE = 320
SECONDS = 1.0
"""Of speech, whose first picture serves."""
ACTORS = (0, 1)


def write_examples(folder: Path) -> list[Example]:
    """Write the examples' files into an existing folder."""
    heard = folder / "voice.flac"
    shutil.copyfile(voice(), heard)
    found = [Example("A NASA portrait", portrait(folder / "portrait.png"), heard)]
    for actor in ACTORS:
        rng = np.random.default_rng([SEED, actor])
        clip = synthesize_clip(Renderer(draw_actor(rng), SIZE), SECONDS, rng)
        path = folder / f"rendered_{actor}.png"
        Image.fromarray(clip.frames[0]).save(path)
        found.append(Example(f"A rendered face, {actor + 1}", path, heard))
    return found
