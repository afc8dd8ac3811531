"""The page itself, in Gradio: a tab that makes videos and one that scores them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio_client.utils import is_http_url_like

from viseme.errors import VisemeError
from viseme.web import words
from viseme.web.studio import LONGEST_SEED, Studio, Video

log = logging.getLogger(__name__)

FONTS = ("system-ui", "sans-serif")
CSS = """
.viseme-progress { display: flex; gap: 1rem; align-items: center; }
.viseme-progress div { flex: 1; }
.viseme-progress img { border-radius: 6px; image-rendering: auto; }
.viseme-progress progress { width: 100%; height: .8rem; appearance: none; border: 0; border-radius: 6px;
  background: var(--border-color-primary); overflow: hidden; }
.viseme-progress progress::-webkit-progress-bar { background: var(--border-color-primary); }
.viseme-progress progress::-webkit-progress-value { background: var(--color-accent); }
.viseme-progress progress::-moz-progress-bar { background: var(--color-accent); }
.viseme-progress progress:indeterminate { background: repeating-linear-gradient(-45deg,
  var(--color-accent-soft) 0 .6rem, var(--border-color-primary) .6rem 1.2rem); }
.viseme-costs th, .viseme-costs td { word-break: normal; overflow-wrap: normal; padding: .3rem .4rem; }
.viseme-said p { margin: .25rem 0; }
.viseme-scores { overflow-x: auto; }
.viseme-scores table { border-collapse: collapse; width: 100%; }
.viseme-scores th, .viseme-scores td { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid
  var(--border-color-primary); }
.viseme-scores td:last-child { min-width: 16rem; }
.viseme-scores td:nth-child(2), .viseme-scores td:nth-child(3) { text-align: right; white-space: nowrap; }
"""


def build(studio: Studio, folder: Path) -> gr.Blocks:
    """The page of a studio; `folder` takes the examples' files and is served as it is."""
    folder.mkdir()
    gr.set_static_paths([folder])
    with gr.Blocks(title=words.TITLE, analytics_enabled=False) as page:
        gr.Markdown(words.LEAD)
        with gr.Tab("Make a video"):
            _making(studio, folder)
        with gr.Tab("Score a video"):
            _scoring(studio)
    return page.queue(max_size=studio.limits.waiting, default_concurrency_limit=1, api_open=False)


def theme() -> gr.themes.Base:
    """Colours of Gradio's own, letters of the visitor's system: nothing is fetched from elsewhere."""
    return gr.themes.Soft(font=FONTS, font_mono=("ui-monospace", "monospace"))


def _making(studio: Studio, folder: Path) -> None:
    names = list(studio.models)
    samplers = list(dict.fromkeys(s for model in studio.models.values() for s in model.samplers))
    with gr.Row():
        with gr.Column():
            examples = gr.Column()
            photo = gr.Image(
                label="1. A photo of one face",
                type="filepath",
                sources=["upload", "webcam", "clipboard"],
                height=280,
            )
            crop = gr.Image(label="What the model will see", interactive=False, height=200, buttons=[])
            noted = gr.HTML(words.said(()), label="About the photo")
            voice = gr.Audio(label="2. A voice", type="filepath", sources=["upload", "microphone"], buttons=[])
            _uploads_only(photo)
            _uploads_only(voice)
        with gr.Column():
            chosen = gr.CheckboxGroup(
                names, value=names[:1], label="3. Model", info="Several make as many videos, to be seen side by side."
            )
            with gr.Accordion("Sampler, steps, seed, and what each choice costs", open=False):
                with gr.Row():
                    sampler = gr.Dropdown(
                        [words.OWN, *samplers],
                        value=words.OWN,
                        label="Sampler",
                        info=words.SAMPLER,
                        visible=bool(samplers),
                    )
                    steps = gr.Number(
                        0, label="Steps", info=words.STEPS, precision=0, minimum=0, visible=bool(samplers)
                    )
                    seed = gr.Number(0, label="Seed", info=words.SEED, precision=0, minimum=0, maximum=LONGEST_SEED)
                gr.Markdown(words.costs(studio.models.values()), elem_classes="viseme-costs")
            with gr.Row():
                start = gr.Button("Make the video", variant="primary")
                stop = gr.Button("Stop")
            progress = gr.HTML(words.said(()), label="Progress")
            with gr.Row():
                videos = [
                    gr.Video(label=name, visible=False, interactive=False, buttons=["download"], height=320)
                    for name in names
                ]
    ours = studio.examples(folder)
    with examples:
        gr.Examples(
            [[str(one.photo), str(one.voice)] for one in ours],
            [photo, voice],
            label="Try one of ours, or give your own",
            example_labels=[one.title for one in ours],
            cache_examples=False,
        )
    gr.Markdown(words.taken(studio.limits))

    def look(photo: str | None) -> Iterator[list[Any]]:
        """The face of a photo as the models will see it, and what should be known of it."""
        if photo is None:
            yield [None, words.said(())]
            return
        try:
            found = studio.crop(photo)
        except Exception as error:
            said = _explained(error)
            yield [None, words.refused(said)]
            raise _error(said) from error
        yield [found.frame, words.said([found.note] if found.note else ())]

    def make(
        photo: str | None, voice: str | None, models: list[str], sampler: str | None, steps: float, seed: float
    ) -> Iterator[list[Any]]:
        """A video of a photo and a voice by each of the models named; null for the others."""
        unchanged, done, paths = [gr.skip() for _ in names], list[str](), dict[str, str]()

        def shown() -> list[Any]:  # made anew each time, since Gradio empties what it is given
            return [gr.update(value=paths.get(name), visible=name in paths) for name in names]

        try:
            asked = None if sampler in (None, "", words.OWN) else sampler
            fresh = shown()
            with closing(studio.make(photo, voice, models, asked, steps, seed)) as making:
                for told in making:
                    if isinstance(told, Video):
                        done.append(words.made(told.model, told.made.frames, told.made.seconds, told.made.note))
                        paths[told.model] = str(told.path)
                        yield [words.said(done), *shown()]
                    else:
                        yield [words.bar(told), *fresh]
                        fresh = unchanged
        except Exception as error:
            said = _explained(error)
            yield [words.refused(said), *unchanged]
            raise _error(said) from error

    photo.change(look, photo, [crop, noted], api_name="crop", concurrency_id="eyes", show_progress="minimal")
    making = start.click(
        make,
        [photo, voice, chosen, sampler, steps, seed],
        [progress, *videos],
        api_name="make",
        concurrency_id="device",
        show_progress_on=progress,
    )
    stop.click(_stopped, None, progress, cancels=making, queue=False, api_visibility="private")


def _scoring(studio: Studio) -> None:
    gr.Markdown(
        "How close is a video to the real one? Give both: the same sentence, the same length, cropped to the face in a "
        "square. Frame 0 is not scored. Other rates and sizes are brought together, and the notes say so."
    )
    with gr.Row():
        video = gr.Video(label="The video to be scored", sources=["upload"], height=300)
        truth = gr.Video(label="The reference: the real video", sources=["upload"], height=300)
        _uploads_only(video)
        _uploads_only(truth)
    with gr.Row():
        start = gr.Button("Score the video", variant="primary")
        stop = gr.Button("Stop", variant="stop")
    found = gr.HTML(words.said(()), label="Scores")

    def score(video: str | None, reference: str | None) -> Iterator[str]:
        """A video's scores against a reference, as an HTML table."""
        try:
            with closing(studio.score(video, reference)) as scoring:
                for told in scoring:
                    yield words.working("Scoring") if told is None else words.table(*told)
        except Exception as error:
            said = _explained(error)
            yield words.refused(said)
            raise _error(said) from error

    scoring = start.click(
        score, [video, truth], found, api_name="score", concurrency_id="device", show_progress_on=found
    )
    stop.click(_stopped, None, found, cancels=scoring, queue=False, api_visibility="private")


def _uploads_only(component: Any) -> None:
    """Let an input take what was uploaded and nothing else, unopened: a worker judges what it is.

    By itself Gradio fetches addresses for a visitor, and opens pictures in the process that serves everybody.
    """

    async def kept(path: str) -> str:
        if is_http_url_like(path):
            raise _error("Addresses are not fetched here. Upload the file.")
        return path

    component.async_move_resource_to_block_cache = kept
    component.preprocess = lambda payload: None if payload is None else payload.path


def _stopped() -> str:
    return words.said(["Stopped. Nothing of it was kept."])


def _explained(error: Exception) -> str:
    """A sentence for the visitor; what is not their fault is told to the log."""
    if isinstance(error, VisemeError):
        return str(error)
    log.error("a job failed", exc_info=error)
    if isinstance(error, OSError):
        return "The server has no room or no right to write. Tell whoever runs it."
    return "The server could not do this; its log says why. Another photo or voice may work."


def _error(message: str) -> gr.Error:
    return gr.Error(escape(message), duration=None, title="That did not work", print_exception=False)
