from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import linalg

from viseme.errors import InputError
from viseme.evaluation.efficientnet import efficientnet_lite0
from viseme.evaluation.evaluate import evaluate
from viseme.evaluation.identity import EVERY
from viseme.evaluation.results import ClipResult, load
from viseme.evaluation.sets import KERNEL_SAMPLES, network_names, set_results
from viseme.weights import located

WriteVideo = Callable[[Path, np.ndarray], Path]
OFFLINE = ["frechet_dlib", "frechet_lite0", "kernel_lite0"]


def rows(frames: list[int], lag: list[tuple[int, int]] | None = None) -> list[ClipResult]:
    """Scored clips of so many frames, with lag curves that peak at (candidate's, truth's) lag."""
    made = []
    for number, count in enumerate(frames):
        curves = {}
        if lag:
            for name, at in zip(("lag", "lag_truth"), lag[number], strict=True):
                curves[name] = list(np.eye(31)[at + 15])
        made.append(ClipResult(f"c_{number}", "c", "v.mp4", count, "scored", curves=curves))
    return made


def plain_frechet(x: np.ndarray, y: np.ndarray) -> float:
    """The textbook's form, with the square root of the product."""
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = linalg.sqrtm(a @ b)
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b) - 2 * np.trace(root).real)


def gram_frechet(x: np.ndarray, y: np.ndarray) -> float:
    """For fewer samples than numbers: the eigenvalues of A B that are not 0 are those of an [N,N] matrix."""
    a, b = (side - side.mean(0) for side in (x, y))
    cross = a @ b.T
    overlap = np.sqrt(np.linalg.eigvalsh(cross @ cross.T).clip(0)).sum()
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + ((a * a).sum() + (b * b).sum() - 2 * overlap) / (len(x) - 1))


def test_features_of_all_clips_count_as_one_set() -> None:
    rng = np.random.default_rng(0)
    ours, true = rng.normal(0, 1, (60, 5)), rng.normal(0.4, 1.3, (60, 5))
    clips = rows([10, 20, 30])
    pieces = {clip.clip_id: slice(at, at + clip.frames) for clip, at in zip(clips, (0, 10, 30), strict=True)}

    def features(clip_id: str, source: str) -> tuple[np.ndarray, np.ndarray]:
        assert source == "fid-inception"
        return ours[pieces[clip_id]], true[pieces[clip_id]]

    found, missing = set_results(["fid", "kid"], clips, features, 0)
    assert missing == []
    assert found["fid"].value == pytest.approx(plain_frechet(ours, true), rel=1e-9)
    assert (found["fid"].n, found["fid"].of, found["fid"].truth) == (60, "frames", None)
    x, y = ((s @ t.T / 5 + 1) ** 3 for s, t in ((ours, ours), (true, true)))
    cross = (ours @ true.T / 5 + 1) ** 3
    by_hand = sum((k.sum() - np.trace(k)) / (60 * 59) for k in (x, y)) - 2 * cross.mean()
    assert found["kid"].value == pytest.approx(by_hand, rel=1e-9)
    backwards, _ = set_results(["fid", "kid"], clips[::-1], features, 0)
    assert backwards["fid"].value == pytest.approx(found["fid"].value, rel=1e-9)


def test_a_kernel_distance_looks_at_an_even_share_of_many() -> None:
    clips = rows([KERNEL_SAMPLES // 2] * 5)  # two and a half times what it looks at: every third is taken
    asked = np.arange(5 * (KERNEL_SAMPLES // 2), dtype=np.float64).reshape(5, -1, 1)

    def features(clip_id: str, source: str) -> tuple[np.ndarray, np.ndarray]:
        samples = asked[int(clip_id[-1])] % 7
        return samples, samples + 1

    found, _ = set_results(["kernel_lite0"], clips, features, 0)
    assert found["kernel_lite0"].n == -(-asked.size // 3) <= KERNEL_SAMPLES


def test_lags_are_pooled_over_the_clips_that_have_both() -> None:
    clips = [*rows([50] * 3, [(-3, 0), (-3, 1), (4, 0)]), *rows([50])]
    found, _ = set_results(["av_lag_pooled"], clips, None, 0)  # type: ignore[arg-type]
    assert (found["av_lag_pooled"].value, found["av_lag_pooled"].truth) == (-3, 0)
    assert (found["av_lag_pooled"].n, found["av_lag_pooled"].of) == (3, "clips")


def test_what_cannot_be_had_says_why() -> None:
    found, missing = set_results(["av_lag_pooled"], rows([9]), None, 0)  # type: ignore[arg-type]
    assert (found, missing) == ({}, ["AV lag (CCA), pooled is missing: no clip has a lag curve."])
    one = np.zeros((1, 3))
    found, missing = set_results(["frechet_dlib"], rows([1]), lambda *_: (one, one), 0)
    assert missing == ["Fréchet distance, dlib is missing: it needs at least two samples on each side."]


def test_networks_are_those_that_metrics_need() -> None:
    assert network_names(["psnr", "frechet_dlib", "kernel_lite0", "frechet_lite0"]) == ["efficientnet-lite0"]
    assert network_names(["fid", "kid", "fvd"]) == ["fid-inception", "i3d"]


@pytest.fixture(scope="module")
def darker(tiny, truth_videos: Path, write_video: WriteVideo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The true clips at half brightness."""
    folder = tmp_path_factory.mktemp("darker") / "darker"
    folder.mkdir()
    for row in tiny.store.clips("test"):
        write_video(folder / f"{row.clip_id}.mkv", tiny.store.frames(row.clip_id) // 2)
    return folder


def test_end_to_end_by_hand_and_whatever_the_workers(tiny, darker: Path, tmp_path: Path) -> None:
    found = evaluate(darker, tiny.path, tmp_path / "one.json", metrics=OFFLINE, jobs=1)
    extract = efficientnet_lite0(located("efficientnet-lite0"))
    true = [tiny.store.frames(row.clip_id)[1:][::EVERY] for row in tiny.store.clips("test")]
    x, y = (np.concatenate([extract(f) for f in side]).astype(np.float64) for side in ([f // 2 for f in true], true))
    assert found.sets["frechet_lite0"].value == pytest.approx(gram_frechet(x, y), rel=1e-5)
    assert found.sets["frechet_lite0"].n == len(x)
    assert found.provenance["weights"]["efficientnet-lite0"].startswith("57934424")
    assert found.metrics == {}
    again = evaluate(darker, tiny.path, tmp_path / "two.json", metrics=OFFLINE, jobs=2)
    for name in OFFLINE:
        assert again.sets[name].value == pytest.approx(found.sets[name].value, rel=1e-6)
    assert load(tmp_path / "two.json") == again
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.json", "one_strips", "two.json", "two_strips"]


def test_truth_against_itself_is_no_distance(tiny, truth_videos: Path, tmp_path: Path) -> None:
    found = evaluate(truth_videos, tiny.path, tmp_path / "results.json", metrics=OFFLINE, jobs=1)
    assert [found.sets[name].value for name in OFFLINE[:2]] == pytest.approx([0, 0], abs=1e-9)
    assert found.sets["kernel_lite0"].value < 0  # unbiased: equal sets lie below an expectation of 0


def test_fvd_asks_for_its_backbone(tiny, truth_videos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fvd: needs the weights of I3D; name their file with --fvd-backbone"):
        evaluate(truth_videos, tiny.path, tmp_path / "results.json", metrics=["fvd"])
    with pytest.raises(InputError, match="cannot be read"):
        evaluate(truth_videos, tiny.path, tmp_path / "results.json", fvd_backbone=tmp_path / "absent.pt")
