"""Keyed backgrounds: known mattes come back, what is not plain stays, and pictures of a folder are read honestly."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from viseme.data.background import Backgrounds, Key, drawn_backgrounds, read_backgrounds
from viseme.errors import InputError
from viseme.nn.draws import Share
from viseme.types import Batch

SIZE = 64
SKIN = torch.tensor([0.8, 0.6, 0.5])
SCREENS = {
    "green": torch.tensor([0.2, 0.7, 0.3]),
    "blue": torch.tensor([0.2, 0.4, 0.9]),
    "grey": torch.tensor([0.5, 0.52, 0.55]),
}


def opacity() -> torch.Tensor:
    """A disc with an edge two pixels wide, `[SIZE,SIZE]`."""
    place = torch.arange(SIZE) - SIZE / 2 + 0.5
    return ((20 - (place.square() + place[:, None].square()).sqrt()) / 2 + 0.5).clamp(0, 1)


def mixed(front: torch.Tensor, back: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """Colours `[3]` or `[3,H,W]` under an opacity, in [-1, 1]."""
    front, back = (x.reshape(3, *(x.shape[1:] or (1, 1))) for x in (front, back))
    return (alpha * front + (1 - alpha) * back) * 2 - 1


def batch(picture: torch.Tensor, count: int = 4) -> Batch:
    """Windows that show one picture all the time; the face is the disc."""
    around = torch.linspace(np.pi, 0, 17)
    points = torch.zeros(68, 2)
    points[:17] = torch.stack([around.cos() * 15, around.sin() * 15], dim=-1) / SIZE * 2  # jaw, chin below
    return Batch(
        identity=picture.expand(count, -1, -1, -1),
        motion=picture.repeat(2, 1, 1).expand(count, -1, -1, -1),
        frames=picture.expand(count, 3, -1, -1, -1),
        audio=torch.zeros(count, 3, 5),
        landmarks=points.expand(count, 3, -1, -1),
        mouth=torch.zeros(count, 3, 1, SIZE, SIZE),
        identity_landmarks=points.expand(count, -1, -1),
        landmarks_before=points.expand(count, 0, -1, -1),
    )


def key(picture: torch.Tensor) -> Key:
    return Key(picture[None, None], torch.zeros(1, 1, 1, SIZE, SIZE, dtype=torch.bool))


@pytest.mark.parametrize("screen", SCREENS)
def test_a_known_matte_comes_back(screen: str) -> None:
    alpha = opacity()
    found = key(mixed(SKIN, SCREENS[screen], alpha))
    assert found.plain.tolist() == [True]
    error = (found.alpha[0, 0, 0] - alpha).abs()
    assert float(error.mean()) < 0.02
    assert float(error[(alpha == 0) | (alpha == 1)].max()) < 0.01


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("behind", [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.9, 0.1, 0.1)])
def test_the_new_picture_is_the_one_before_the_new_background(screen: str, behind: tuple[float, ...]) -> None:
    alpha, new = opacity(), torch.tensor(behind)
    made = key(mixed(SKIN, SCREENS[screen], alpha)).replaced((new * 2 - 1).view(1, 3, 1, 1).expand(-1, -1, SIZE, SIZE))
    error = (made[0, 0] - mixed(SKIN, new, alpha)).abs() / 2
    assert float(error.mean()) < 0.01
    assert float(error[:, (alpha == 0) | (alpha == 1)].max()) < 0.02


@pytest.mark.parametrize("screen", ["green", "blue"])
def test_a_screen_in_shadow_is_keyed_as_a_whole(screen: str) -> None:
    light = torch.linspace(1.0, 0.7, SIZE)[:, None] * torch.linspace(1.0, 0.8, SIZE)
    alpha = opacity()
    found = key(mixed(SKIN, SCREENS[screen][:, None, None] * light, alpha))
    assert float(found.alpha[0, 0, 0][alpha == 0].max()) < 0.05
    assert float(found.alpha[0, 0, 0][alpha == 1].min()) > 0.95


def test_the_screens_light_leaves_the_edge() -> None:
    """Hair that is green with the screen's light on it is grey before another background."""
    alpha, hair = opacity(), torch.tensor([0.45, 0.62, 0.48])
    made = key(mixed(hair, SCREENS["green"], alpha)).replaced(torch.full((1, 3, SIZE, SIZE), -1.0))[0, 0]
    rim = (alpha == 1) & (torch.nn.functional.max_pool2d((alpha == 0).float()[None], 5, 1, 2)[0] > 0)
    red, green, blue = ((made[c][rim] + 1) / 2 for c in range(3))
    assert float((green - (red + blue) / 2).mean()) < 0.05
    weights = torch.tensor([0.299, 0.587, 0.114])
    assert float(0.299 * red.mean() + 0.587 * green.mean() + 0.114 * blue.mean()) == pytest.approx(
        float(hair @ weights), abs=0.05
    )


def test_the_backdrops_colour_inside_the_figure_stays() -> None:
    picture = mixed(SKIN, SCREENS["green"], opacity())
    picture[:, 28:36, 28:36] = SCREENS["green"][:, None, None] * 2 - 1
    assert float(key(picture).alpha[0, 0, 0, 28:36, 28:36].min()) == 1


def test_what_is_not_plain_stays_as_it_is() -> None:
    rng = torch.Generator().manual_seed(0)
    noise = torch.rand((3, SIZE, SIZE), generator=rng)
    striped = torch.where((torch.arange(SIZE) % 8 < 4)[:, None], 0.3, 0.7).expand(3, SIZE, SIZE)
    for back in (noise, striped):
        given = batch(mixed(SKIN, back, opacity()))
        made = Backgrounds(1.0)(given, rng)
        for field in fields(Batch):
            assert torch.equal(getattr(made, field.name), getattr(given, field.name))


def test_a_face_of_the_backdrops_colour_is_not_keyed() -> None:
    given = batch(mixed(SKIN, SKIN + 0.01, opacity()))
    assert torch.equal(Backgrounds(1.0)(given, torch.Generator()).frames, given.frames)


def test_one_background_serves_all_pictures_of_a_window_and_others_get_another() -> None:
    given = batch(mixed(SKIN, SCREENS["blue"], opacity()))
    made = Backgrounds(1.0)(given, torch.Generator().manual_seed(0))
    for picture in (made.motion[:, :3], made.motion[:, 3:], *made.frames.unbind(1)):
        torch.testing.assert_close(picture, made.identity)
    corners = made.identity[:, :, 0, 0]
    assert torch.cdist(corners, corners).add(torch.eye(4) * 9).min() > 0.1
    torch.testing.assert_close(made.identity[:, :, 25:40, 25:40], given.identity[:, :, 25:40, 25:40])
    assert made.mouth is given.mouth
    assert made.landmarks is given.landmarks


def test_the_share_of_windows_is_kept_and_the_seed_decides() -> None:
    given = batch(mixed(SKIN, SCREENS["green"], opacity()), 60)
    made = [Backgrounds(0.5)(given, torch.Generator().manual_seed(3)) for _ in "ab"]
    assert torch.equal(made[0].frames, made[1].frames)
    same = (made[0].identity == given.identity).flatten(1).all(dim=1)
    assert 0.3 < float(same.float().mean()) < 0.7
    none = Backgrounds(0.0)(given, torch.Generator())
    assert none.frames is given.frames


def test_a_share_of_a_batch_gets_what_it_would_get_in_the_whole() -> None:
    whole = batch(mixed(SKIN, SCREENS["green"], opacity()), 6)
    made = Backgrounds(0.7)(whole, torch.Generator().manual_seed(1))
    share = Share(6, range(1, 6, 2))
    share.manual_seed(1)
    part = Backgrounds(0.7)(Batch(**{f.name: getattr(whole, f.name)[1::2] for f in fields(Batch)}), share)
    torch.testing.assert_close(part.frames, made.frames[1::2])


def test_drawn_backgrounds_are_plain_graded_or_soft() -> None:
    colours = torch.rand((3, 3, 6, 6), generator=torch.Generator().manual_seed(0))
    plain, graded, soft = drawn_backgrounds(colours, torch.tensor([0.1, 0.5, 0.9]), 32)
    torch.testing.assert_close(plain, (colours[0, :, :1, :1] * 2 - 1).expand(3, 32, 32))
    torch.testing.assert_close(graded[:, 0, 0], colours[1, :, 0, 0] * 2 - 1)
    torch.testing.assert_close(graded[:, -1, -1], colours[1, :, 1, 1] * 2 - 1)
    slopes = graded.diff(dim=-1).diff(dim=-1).abs()
    assert float(slopes.max()) < 1e-2
    assert float(soft.std()) > 0.3


def test_pictures_of_a_folder_come_by_name_and_are_cut_to_their_middle(tmp_path: Path) -> None:
    wide = np.zeros((40, 80, 3), np.uint8)
    wide[:, 20:60] = (255, 0, 0)
    Image.fromarray(wide).save(tmp_path / "b.png")
    (tmp_path / "more").mkdir()
    Image.fromarray(np.full((90, 40), 255, np.uint8)).save(tmp_path / "more" / "a.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    read = read_backgrounds(tmp_path, 16)
    assert read.shape == (2, 3, 16, 16)
    torch.testing.assert_close(read[0], torch.tensor([1.0, -1.0, -1.0]).view(3, 1, 1).expand(3, 16, 16))
    assert float(read[1].min()) == 1
    given = batch(mixed(SKIN, SCREENS["green"], opacity()))
    behind = read_backgrounds(tmp_path, SIZE)
    made = Backgrounds(1.0, behind)(given, torch.Generator().manual_seed(0))
    for corner in made.identity[:, :, 0, 0]:
        assert min(float((corner - picture[:, 0, 0]).abs().max()) for picture in behind) < 1e-5


def test_a_picture_of_a_folder_may_be_mirrored(tmp_path: Path) -> None:
    behind = torch.linspace(-1, 1, SIZE).expand(1, 3, SIZE, SIZE)
    made = Backgrounds(1.0, behind)(batch(mixed(SKIN, SCREENS["green"], opacity()), 20), torch.Generator())
    assert set(made.identity[:, 0, 0, 0].round().tolist()) == {-1.0, 1.0}


def test_folders_that_do_not_serve_are_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"nowhere: no such folder; set data.backgrounds"):
        read_backgrounds(tmp_path / "nowhere", 16)
    with pytest.raises(InputError, match="holds 0 pictures"):
        read_backgrounds(tmp_path, 16)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"a.png: is not a picture"):
        read_backgrounds(tmp_path, 16)
    monkeypatch.setattr("viseme.data.background.MOST_PICTURES", 1)
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"holds 2 pictures .* 1 to 1$"):
        read_backgrounds(tmp_path, 16)


def test_a_window_of_mixed_backdrops_is_left() -> None:
    """The window is judged as a whole: one picture before another backdrop is enough."""
    given = batch(mixed(SKIN, SCREENS["green"], opacity()), 1)
    frames = given.frames.clone()
    frames[:, 2:] = mixed(SKIN, SCREENS["grey"], opacity())
    made = Backgrounds(1.0)(replace(given, frames=frames), torch.Generator())
    assert torch.equal(made.identity, given.identity)
