"""Our samplers equal the schedulers of the diffusers library, step lists and schedules being the same."""

import pytest
import torch

from making.denoisers import BAR, Mixture, noise
from physiosynth.diffusion.diffusion import beta_schedule
from physiosynth.diffusion.samplers import ddim, ddpm, dpm_solver_pp, heun, karras_steps

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TOLERANCE = 1e-4
SCHEDULE = {"num_train_timesteps": 1000, "trained_betas": beta_schedule("cosine", 1000).tolist()}
STATES = Mixture(weights=(0.3, 0.5, 0.2), means=(-1.5, 0.6, 0.0), spreads=(0.25, 0.3, 0.05)).denoiser()


@pytest.fixture(scope="module")
def schedulers():
    """The schedulers' modules; the library is needed for tests alone."""
    return pytest.importorskip("diffusers", reason="diffusers is not installed: pip install -e '.[test]'").schedulers


def run(scheduler, x: torch.Tensor, **step) -> torch.Tensor:
    """Sample with a scheduler whose time steps are set, from x in the scheduler's own scale."""
    for t in scheduler.timesteps:
        _, eps = STATES(scheduler.scale_model_input(x, t), int(t))
        x = scheduler.step(eps, t, x, **step).prev_sample
    return x


@pytest.mark.parametrize("steps", [5, 8, 16, 50])
def test_dpm_solver_pp(schedulers, steps):
    """Second-order multistep DPM-Solver++ on the same Karras steps, ending at no noise."""
    scheduler = schedulers.DPMSolverMultistepScheduler(
        **SCHEDULE, algorithm_type="dpmsolver++", solver_order=2, solver_type="midpoint", final_sigmas_type="zero"
    )
    visited = karras_steps(BAR, steps)
    scheduler.set_timesteps(timesteps=visited)
    ours = dpm_solver_pp(STATES, noise(300), visited, BAR)
    assert (run(scheduler, noise(300)) - ours).abs().max() < TOLERANCE


@pytest.mark.parametrize("steps", [5, 16, 50])
def test_heun(schedulers, steps):
    """Heun's method on the same Karras steps; the library's samples are x / sqrt(alpha_bar)."""
    scheduler = schedulers.HeunDiscreteScheduler(**SCHEDULE)
    visited = karras_steps(BAR, steps)
    scheduler.set_timesteps(timesteps=visited)
    theirs = run(scheduler, noise(300) / BAR[visited[0]].sqrt())
    assert (theirs - heun(STATES, noise(300), visited, BAR)).abs().max() < TOLERANCE


@pytest.mark.parametrize("steps", [10, 50])
def test_ddim(schedulers, steps):
    """Deterministic DDIM with the library's own stride."""
    scheduler = schedulers.DDIMScheduler(**SCHEDULE, clip_sample=False, set_alpha_to_one=True)
    scheduler.set_timesteps(steps)
    ours = ddim(STATES, noise(300), scheduler.timesteps.tolist(), BAR)
    assert (run(scheduler, noise(300)) - ours).abs().max() < TOLERANCE


@pytest.mark.parametrize("steps", [50, 250])
def test_ddpm(schedulers, steps):
    """Ancestral sampling with the posterior's variance, drawing the same noise."""
    scheduler = schedulers.DDPMScheduler(**SCHEDULE, clip_sample=False, variance_type="fixed_small")
    scheduler.alphas_cumprod = BAR  # its own are float32, which rounds the small betas
    scheduler.set_timesteps(steps)
    mine, theirs = (torch.Generator().manual_seed(3) for _ in range(2))
    draw = lambda: torch.randn(300, 1, 1, generator=mine, dtype=torch.float64)  # noqa: E731
    ours = ddpm(STATES, noise(300), scheduler.timesteps.tolist(), BAR, draw)
    assert (run(scheduler, noise(300), generator=theirs) - ours).abs().max() < TOLERANCE
