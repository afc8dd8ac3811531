"""`viseme.serve`: the page put on the network, until it is interrupted."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from viseme.errors import InputError, OutputError
from viseme.web.bounds import Bounds
from viseme.web.limits import Limits
from viseme.web.scratch import Scratch
from viseme.web.studio import Studio

if TYPE_CHECKING:
    from viseme.generation.credentials import Signature

WAITING = 512
"""Connections that the system holds until they are served."""
KEEP_ALIVE = 30
"""Seconds that an idle connection stays open: longer than clients keep theirs, or one closes under a request."""
LEAVE = 3
"""Seconds that open connections have when the server ends."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where the page is served, and to whom.

    Attributes:
        host: an address of this machine; the loopback reaches nobody else.
        port: 0 lets the system choose.
        user, password: asked of every visitor, where given.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    user: str = ""
    password: str = ""


def serve(
    models: Sequence[str],
    where: Where,
    limits: Limits,
    *,
    label: str = "",
    signature: Signature | None = None,
) -> None:
    """Serve the page until SIGINT or SIGTERM.

    Raises:
        InputError: Gradio is missing, a user without a password, or a model that a photo and a voice do not drive.
        ModelError: no such model.
        OutputError: the address cannot be had.
    """
    if bool(where.user) != bool(where.password):
        raise InputError("a user and a password go together; give both, or neither")
    uvicorn = _uvicorn()
    with (
        contextlib.suppress(KeyboardInterrupt),
        _interrupted_by(signal.SIGTERM),
        Scratch(limits.keep_seconds) as scratch,
        _bound(where) as socket,
        contextlib.closing(Studio(models, limits, scratch, label=label, signature=signature)) as studio,
    ):
        app = application(studio, scratch, where)
        socket.listen(WAITING)  # whoever reads the line below may come before uvicorn does
        host, port = socket.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"http://{shown}:{port}/ serves {', '.join(studio.models)}; Ctrl-C ends it", flush=True)
        if not _is_loopback(where.host):
            print(f"viseme: {_warning(where)}", file=sys.stderr, flush=True)
        config = uvicorn.Config(
            app,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=LEAVE,
        )
        uvicorn.Server(config).run(sockets=[socket])


def application(studio: Studio, scratch: Scratch, where: Where) -> Any:
    """The page as an ASGI application, for any server of such."""
    # Gradio reads these when it is imported and when a component is made
    os.environ["GRADIO_TEMP_DIR"] = str(scratch.files)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr
    from fastapi import FastAPI

    from viseme.web import page

    blocks = page.build(studio, scratch.path / "examples")
    app = gr.mount_gradio_app(
        FastAPI(openapi_url=None),
        blocks,
        path="",
        server_name=where.host,
        server_port=where.port,
        auth=(where.user, where.password) if where.user else None,
        auth_message="This server asks for a user and a password.",
        show_error=True,
        max_file_size=round(studio.limits.upload_mb * 2**20),
        footer_links=["api"],
        run_history=False,
        ssr_mode=False,
        theme=page.theme(),
        css=page.CSS,
    )
    # Without this Gradio takes any path of this machine for an upload.
    blocks.has_launched = True
    return Bounds(app, studio.limits, scratch)


@contextlib.contextmanager
def _interrupted_by(number: int) -> Iterator[None]:
    """Let a signal unwind the block as Ctrl-C does: uvicorn raises it again when it has closed, and files must go."""
    before = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, before)


def _warning(where: Where) -> str:
    guarded = (
        "it asks for the password, but over plain HTTP that can be read on the way: put HTTPS before it"
        if where.user
        else "it asks for no password: give --user and --password, or leave out --host"
    )
    return f"warning: {where.host} can be reached by other machines, and {guarded}"


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


@contextlib.contextmanager
def _bound(where: Where) -> Iterator[Any]:
    """A socket that has its address before the models are loaded, so that a port in use is told at once."""
    import socket

    with contextlib.ExitStack() as stack:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)[0]
            bound = stack.enter_context(socket.socket(family, kind, protocol))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except (OSError, OverflowError) as error:
            raise OutputError(f"{where.host}:{where.port}: cannot be served ({error}); give another --port") from error
        yield bound


def _uvicorn() -> Any:
    try:
        import gradio  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise InputError(f"the web page needs Gradio ({error.name}); install it: pip install 'viseme[web]'") from error
    return uvicorn
