"""Latent spaces: uniform and normal ones keep their distribution between and around latents."""

import numpy as np
import pytest

from wavegan.models.latents import Normal, Uniform

SHAPE = (16, 2)


def test_normal_draws_are_normal_and_the_first_ones_of_a_seed_are_the_same():
    draws = Normal().draw(2000, SHAPE, seed=3)
    assert draws.dtype == np.float32 and draws.shape == (2000, *SHAPE)
    assert draws.mean() == pytest.approx(0, abs=0.01) and draws.std() == pytest.approx(1, abs=0.01)
    np.testing.assert_array_equal(Normal().draw(5, SHAPE, seed=3), draws[:5])


@pytest.mark.parametrize("spread", [0.3, 1, 2])
def test_variations_of_normal_latents_are_normal(spread):
    space = Normal()
    values = np.stack(
        [space.around(latent, 1, spread, number)[0] for number, latent in enumerate(space.draw(500, SHAPE, 9))]
    )
    assert values.std() == pytest.approx(1, abs=0.02) and values.dtype == np.float32


def test_a_wider_spread_goes_farther_and_2_forgets_the_latent():
    space = Normal()
    latent = space.draw(1, SHAPE, 0)[0]
    near, far, farthest = (space.around(latent, 400, spread, 1) for spread in (0.2, 1.0, 2.0))
    assert np.linalg.norm(near - latent) < np.linalg.norm(far - latent) < np.linalg.norm(farthest - latent)
    assert abs(np.corrcoef(farthest.mean(axis=0).ravel(), latent.ravel())[0, 1]) < 0.35
    np.testing.assert_array_equal(space.around(latent, 3, 1.0, 1), far[:3])


def test_what_left_a_space_is_put_back_and_what_is_in_it_stays():
    latents = Normal().draw(50, SHAPE, 0)
    far, uniform = 3 * latents, Uniform().draw(50, SHAPE, 0)
    assert (np.sqrt(np.mean(Normal().within(far) ** 2, axis=(1, 2))) <= 1.001).all()
    np.testing.assert_allclose(Normal().within(0.5 * latents), 0.5 * latents)
    np.testing.assert_array_equal(Uniform().within(uniform), uniform)
    np.testing.assert_array_equal(Uniform().within(far), np.clip(far, -1, 1))


def test_halfway_between_normal_latents_the_length_is_that_of_a_draw_on_an_arc_only():
    space = Normal()
    draws = space.draw(400, (64,), 0)
    lengths = {
        path: np.mean(
            [np.linalg.norm(space.between(*pair, 0.5, path)) for pair in zip(draws[::2], draws[1::2], strict=True)]
        )
        for path in ("spherical", "linear")
    }
    assert lengths["spherical"] == pytest.approx(8, rel=0.02) and lengths["linear"] == pytest.approx(
        8 / 2**0.5, rel=0.03
    )


@pytest.mark.parametrize(
    ("space", "value", "complaint"),
    [(Uniform(), 1.01, "finite and in [-1, 1]"), (Uniform(), np.nan, "finite and in [-1, 1]"), (Uniform(), -1.0, None),
     (Normal(), 5.0, None), (Normal(), np.inf, "finite"), (Normal(), np.nan, "finite")],
)  # fmt: skip
def test_what_is_no_latent_of_a_space_is_reported(space, value, complaint):
    assert space.complaint(np.array([[0.0, value]])) == complaint
