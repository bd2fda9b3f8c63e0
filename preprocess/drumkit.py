"""The built-in data set: synthesised drum one-shots in the manner of the analogue drum machines.

Eight kinds, `COUNT` one-shots each, drawn from musical parameter ranges and the same on every machine, so that a first
training run needs no download:

    audio = render("snare", index=7, sample_rate=16000)  # float32 [time]

Every parameter is in Hz and seconds, and noise and metal are written as a spectrum from the lowest frequency up, so one
(kind, index, seed) is the same sound at every sample rate and nothing folds back from above the Nyquist frequency.

Where the ideas come from: the six oscillators of the hats from K. J. Werner, J. S. Abel and J. O. Smith, "The TR-808
Cymbal: a Physically-Informed, Circuit-Bendable, Digital Model" (ICMC 2014); bass drum, snare and cowbell from G. Reid,
"Synth Secrets" (Sound On Sound, February to September 2002); clap, rim, tom and all ranges set by ear and eye.
"""

from collections.abc import Sequence
from typing import overload

import numpy as np

COUNT = 500  # one-shots a kind in the data set
MIN_SAMPLE_RATE = 4000  # Hz

ATTACK_S = 0.0004  # ramp that takes the edge off a noise burst's first sample
FADE_S = 0.02  # last stretch, taken down to zero
GRID_S = 0.04  # lengths are multiples of this: whole samples at 8, 11.025, 16, 22.05, 44.1 and 48 kHz
AUDIBLE_HZ = 18000.0  # metal has no partials above

# The TR-808's six oscillators (Werner et al., ICMC 2014)
METAL_HZ = np.array([205.3, 304.4, 369.6, 522.7, 540.0, 800.0])


class Take:
    """One recording in the making: draws the parameters, then lays down sines, noise and metal.

    Call `start` once with the length before any of `sine`, `noise` and `squares`; those return float64 [time].

    Args:
        entropy: integers of 0 or more that seed the generators.
        sample_rate: Hz.
    """

    def __init__(self, entropy: list[int], sample_rate: int) -> None:
        self.entropy = entropy
        self.sample_rate = sample_rate
        self.parameters = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))
        self.noises = 0

    @overload
    def between(self, low: float, high: float) -> float: ...

    @overload
    def between(self, low: float, high: float, size: int) -> np.ndarray: ...

    def between(self, low: float, high: float, size: int | None = None) -> float | np.ndarray:
        """Draws uniformly in ratio, as pitch and decay are heard: low and high positive, in any unit."""
        return low * (high / low) ** self.parameters.random(size)

    def start(self, ring_s: float) -> np.ndarray:
        """Fixes the length: a sound 60 dB down after ring_s (s) is cut at 48 dB. Returns each sample's time (s)."""
        samples = round(np.ceil(0.8 * ring_s / GRID_S) * GRID_S * self.sample_rate)
        self.time = np.arange(samples) / self.sample_rate
        self.frequencies = np.arange(samples // 2 + 1) * (self.sample_rate / samples)
        return self.time

    def presence(self, hz: float | np.ndarray) -> np.ndarray:
        """Gain 1 at `hz` well below the Nyquist frequency, faded to 0 over the last tenth below it."""
        return np.clip(10 - 20 * np.asarray(hz) / self.sample_rate, 0, 1)

    def sine(self, start_hz: float, end_hz: float | None = None, glide_s: float = 1.0) -> np.ndarray:
        """A sine that falls from start_hz to end_hz with time constant glide_s; phase in closed form."""
        end_hz = start_hz if end_hz is None else end_hz
        swept = (start_hz - end_hz) * glide_s * -np.expm1(-self.time / glide_s)
        return self.presence(start_hz) * np.sin(2 * np.pi * (end_hz * self.time + swept))

    def noise(self, low_hz: float, high_hz: float, order: int = 2) -> np.ndarray:
        """Gaussian noise of unit power (counted to 24 kHz) through a Butterworth-shaped band, attack ramp included."""
        self.noises += 1
        source = np.random.Generator(np.random.PCG64(np.random.SeedSequence([*self.entropy, self.noises])))
        gain = band(self.frequencies, low_hz, high_hz, order) * self.presence(self.frequencies)
        bandwidth_hz = 24000 * np.mean(band(np.linspace(0, 24000, 400), low_hz, high_hz, order) ** 2)
        bins = source.standard_normal(2 * len(gain)).view(complex)  # low frequencies first, whatever the rate
        return self._from_spectrum(bins * gain * np.sqrt(self.frequencies[1] / bandwidth_hz)) * self._attack()

    def squares(
        self, fundamentals_hz: Sequence[float] | np.ndarray, low_hz: float, high_hz: float, order: int = 2
    ) -> np.ndarray:
        """Free-running square waves through a band, as lines in one spectrum: no partial above Nyquist can exist."""
        phases = 2 * np.pi * self.parameters.random(len(fundamentals_hz))
        odd = np.arange(1, AUDIBLE_HZ / min(fundamentals_hz), 2)
        partials_hz = np.outer(fundamentals_hz, odd)  # [oscillator, partial]
        lines = np.exp(1j * np.outer(phases, odd)) / odd * band(partials_hz, low_hz, high_hz, order)
        lines *= self.presence(partials_hz) * (partials_hz < AUDIBLE_HZ)
        spectrum = np.zeros(len(self.frequencies), complex)
        nearest = np.rint(partials_hz / self.frequencies[1]).astype(int)
        inside = nearest < len(spectrum)
        np.add.at(spectrum, nearest[inside], lines[inside])
        return self._from_spectrum(spectrum) * self._attack()

    def _from_spectrum(self, amplitudes: np.ndarray) -> np.ndarray:
        return np.fft.irfft(amplitudes, len(self.time)) * (len(self.time) / 2)

    def _attack(self) -> np.ndarray:
        return np.minimum(1, (self.time + 1 / self.sample_rate) / ATTACK_S)


def band(hz: np.ndarray, low_hz: float, high_hz: float, order: int = 2) -> np.ndarray:
    """Magnitude of a Butterworth high-pass at low_hz times a low-pass at high_hz, 6 × order dB an octave each."""
    hz = np.maximum(hz, 1.0)
    return 1 / np.sqrt((1 + (low_hz / hz) ** (2 * order)) * (1 + (hz / high_hz) ** (2 * order)))


def decay(time: np.ndarray, seconds: float) -> np.ndarray:
    """Exponential envelope that is 60 dB down after `seconds`; 0 before time 0."""
    return np.where(time < 0, 0, np.exp(-np.log(1000) * np.maximum(time, 0) / seconds))


def kick(take: Take) -> np.ndarray:
    """A sine that drops by more than an octave into 43-67 Hz, softly saturated, behind a click."""
    pitch_hz, drop = take.between(43, 67), take.between(2.2, 6.5)
    glide_s = take.between(0.02, 0.1) / drop  # a deep drop is a quick one, or it would be a laser
    ring_s, drive, click = take.between(0.3, 0.62), take.between(0.5, 4), take.between(0.02, 0.25)
    click_hz = take.between(1200, 4000)
    time = take.start(ring_s)
    body = np.tanh(drive * take.sine(drop * pitch_hz, pitch_hz, glide_s) * decay(time, ring_s)) / np.tanh(drive)
    return body + click * take.noise(click_hz / 2, click_hz) * decay(time, 0.015)


def tom(take: Take) -> np.ndarray:
    """A sine that settles a few semitones down in 90-210 Hz, a weak second mode and a breath of noise."""
    pitch_hz, drop, glide_s = take.between(90, 210), take.between(1.2, 1.7), take.between(0.03, 0.09)
    ring_s, overtone, breath = take.between(0.32, 0.58), take.between(0.05, 0.3), take.between(0.01, 0.06)
    time = take.start(ring_s)
    body = take.sine(drop * pitch_hz, pitch_hz, glide_s) * decay(time, ring_s)
    second = take.sine(1.59 * drop * pitch_hz, 1.59 * pitch_hz, glide_s) * decay(time, 0.4 * ring_s)
    return body + overtone * second + breath * take.noise(300, 3000, order=1) * decay(time, 0.3 * ring_s)


def snare(take: Take) -> np.ndarray:
    """Two drum-head modes near 180 and 330 Hz under the band-passed noise of the snares."""
    pitch_hz, ratio, ring_s = take.between(150, 230), take.between(1.5, 1.95), take.between(0.1, 0.25)
    snares_s, snappy, dark = take.between(0.2, 0.45), take.between(0.35, 0.9), take.between(0.3, 0.7)
    low_hz, high_hz = take.between(700, 2200), take.between(5500, 10000)
    time = take.start(max(ring_s, snares_s))
    head = take.sine(1.25 * pitch_hz, pitch_hz, 0.012) * decay(time, ring_s)
    head += dark * take.sine(1.1 * ratio * pitch_hz, ratio * pitch_hz, 0.012) * decay(time, 0.7 * ring_s)
    return head + snappy * take.noise(low_hz, high_hz) * decay(time, snares_s)


def hat(take: Take, ring_s: float) -> np.ndarray:
    """Six inharmonic square waves and a little noise, high-passed; `ring_s` (s) tells open from closed."""
    tune, detune = take.between(0.85, 1.35), take.between(0.97, 1.03, len(METAL_HZ))
    low_hz, sizzle = take.between(4500, 8500), take.between(0.03, 0.15)
    time = take.start(ring_s)
    metal = take.squares(tune * detune * METAL_HZ, low_hz, 16000, order=3)
    return (metal + sizzle * take.noise(low_hz, 14000, order=3)) * decay(time, ring_s)


def closed_hat(take: Take) -> np.ndarray:
    """The hat, shut: over within a tenth of a second or so."""
    return hat(take, take.between(0.06, 0.17))


def open_hat(take: Take) -> np.ndarray:
    """The hat, left to ring for about half a second."""
    return hat(take, take.between(0.45, 0.64))


def clap(take: Take) -> np.ndarray:
    """Three or four hands, about 10 ms apart, in noise around 1.2 kHz, then the room."""
    hands, spacing_s, middle_hz = (
        int(take.parameters.integers(3, 5)),
        take.between(0.008, 0.013),
        take.between(900, 1700),
    )
    width, hand_s, room_s = take.between(1.3, 2), take.between(0.02, 0.045), take.between(0.2, 0.42)
    room = take.between(0.35, 0.8)
    onsets_s = spacing_s * np.arange(hands) * take.between(0.93, 1.07, hands)
    time = take.start(onsets_s[-1] + room_s)
    envelope = np.max([decay(time - onset_s, hand_s) for onset_s in onsets_s], axis=0)
    envelope = np.maximum(envelope, room * decay(time - onsets_s[-1], room_s))
    return take.noise(middle_hz / width, middle_hz * width) * envelope


def cowbell(take: Take) -> np.ndarray:
    """Two square waves near 540 and 800 Hz, band-passed: a sharp clank, then a ring."""
    tune, ratio, ring_s = take.between(0.8, 1.4), take.between(1.42, 1.53), take.between(0.26, 0.56)
    clank, high_hz = take.between(0.8, 2.5), take.between(1800, 4500)
    time = take.start(ring_s)
    bell = take.squares([540 * tune, 540 * ratio * tune], 800 * tune, high_hz)
    return bell * (decay(time, ring_s) + clank * decay(time, 0.06))


def rim(take: Take) -> np.ndarray:
    """Two short resonances near 455 and 1667 Hz and the tick of the stick."""
    tune, ratio, ring_s = take.between(0.8, 1.3), take.between(3.2, 4), take.between(0.04, 0.1)
    low, tick = take.between(0.4, 1), take.between(0.05, 0.4)
    time = take.start(0.14)
    wood = take.sine(455 * ratio * tune) + low * take.sine(455 * tune)
    return wood * decay(time, ring_s) + tick * take.noise(2000, 7000) * decay(time, 0.012)


VOICES = {voice.__name__: voice for voice in (clap, closed_hat, cowbell, kick, open_hat, rim, snare, tom)}
KINDS = tuple(sorted(VOICES))


def render(kind: str, index: int, sample_rate: int, seed: int = 0) -> np.ndarray:
    """Synthesises one drum one-shot.

    Args:
        kind: one of `KINDS`.
        index: which one-shot of its kind, 0 or more; the data set holds 0 to `COUNT` - 1.
        sample_rate: Hz, `MIN_SAMPLE_RATE` or more.
        seed: 0 or more; another seed is another drum kit.

    Returns:
        float32 [time] in [-1, 1], of natural length (0.08 to 0.52 s): attack at sample 0, peak 0.6 to 0.95, silent end.

    Raises:
        ValueError: for an unknown kind, a negative index or seed, or a sample rate that is too low.

    >>> audio = render("snare", index=7, sample_rate=16000)
    >>> audio.shape, audio.dtype, bool(np.abs(audio).max() < 0.95)
    ((5760,), dtype('float32'), True)
    """
    if kind not in VOICES:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}. Received: {kind!r}.")
    if index < 0 or seed < 0:
        raise ValueError(f"index and seed must be 0 or more. Received: index={index}, seed={seed}.")
    if sample_rate < MIN_SAMPLE_RATE:
        raise ValueError(f"sample_rate must be {MIN_SAMPLE_RATE} Hz or more. Received: {sample_rate}.")
    take = Take([seed, KINDS.index(kind), index], sample_rate)
    peak = take.parameters.uniform(0.6, 0.95)
    audio = VOICES[kind](take)  # [time]
    fade = np.clip((take.time[-1] - take.time) / FADE_S, 0, 1)
    audio *= fade * fade
    return (audio * (peak / np.max(np.abs(audio)))).astype(np.float32)
