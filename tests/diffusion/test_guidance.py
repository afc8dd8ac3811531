import torch

from viseme.diffusion.guidance import Guidance


def test_the_formula_by_hand() -> None:
    guidance = Guidance({"audio": 3.0, "landmarks": 0.5})
    full, without_audio, without_landmarks = (torch.full((2, 3, 1, 1), v) for v in (1.0, 0.6, 2.0))
    found = guidance.combined(torch.cat([full, without_audio, without_landmarks]))
    torch.testing.assert_close(found, torch.full((2, 3, 1, 1), 1.0 + 2 * (1.0 - 0.6) - 0.5 * (1.0 - 2.0)))


def test_a_weight_of_nothing_is_the_estimate_without_the_signal() -> None:
    full, without = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(Guidance({"audio": 0.0}).combined(torch.cat([full, without])), without)


def test_without_guidance_nothing_is_done_twice() -> None:
    guidance, rows = Guidance({}), torch.randn(2, 3, 4, 4)
    assert guidance.branches == 1
    assert guidance.repeated(rows) is rows
    assert torch.equal(guidance.combined(rows), rows)


def test_each_branch_lacks_its_own_signal_and_all_lack_what_is_left_out() -> None:
    missing = torch.tensor([False, True])
    guidance = Guidance({"audio": 2.0}, without=("landmarks",))
    assert guidance.absent("audio", missing).tolist() == [False, True, True, True]
    assert guidance.absent("landmarks", missing).tolist() == [True] * 4
    assert guidance.repeated(torch.arange(2)).tolist() == [0, 1, 0, 1]
