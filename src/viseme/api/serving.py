"""The web page."""

from __future__ import annotations

from collections.abc import Sequence

from viseme.files import AnyPath


def serve(
    models: Sequence[str] = (),
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    user: str = "",
    password: str = "",
    label: str = "",
    certificate: AnyPath | None = None,
    key: AnyPath | None = None,
    algorithm: str = "es256",
    overrides: Sequence[str] = (),
) -> None:
    """Serve the web page until the process is interrupted.

    It starts processes that import the calling script, which must therefore be importable
    (`if __name__ == "__main__":`).

    Args:
        models: run folders, weights files or names of bundled models; the bundled ones where none is given.
        host, port: where; others than the loopback can be reached from other machines.
        user, password: asked of every visitor, where given.
        label: words drawn into every frame, where given.
        certificate, key, algorithm: with what every video is signed (`viseme.generation.credentials`), where given.
        overrides: `name=value` of `viseme.web.limits.Limits`.

    Raises:
        InputError: Gradio is missing, a certificate without its key, or a model that a photo and a voice are not enough
            for.
        ModelError: no such model.
        ConfigError: an unknown limit.
        OutputError: the address cannot be had.
    """
    from viseme.errors import InputError
    from viseme.generation.credentials import read_signature
    from viseme.machine import bundled_models
    from viseme.web.limits import load_limits
    from viseme.web.serve import Where
    from viseme.web.serve import serve as run

    if (certificate is None) != (key is None):
        raise InputError("a certificate and its key go together; give both, or neither")
    signature = None if certificate is None or key is None else read_signature(certificate, key, algorithm)
    served = tuple(models) or tuple(sorted(bundled_models(), reverse=True))
    run(served, Where(host, port, user, password), load_limits(overrides), label=label, signature=signature)
