"use strict";

/* Pictures of sounds: the waveform, and for large ones the spectrogram below it. */

const WINDOW = 256; // samples of a spectrum
const RANGE_DB = 70; // from black to white

/* The mean of the channels of audio [time, channels]. */
function mono(audio, channels) {
  if (channels === 1) return audio;
  const mixed = new Float32Array(audio.length / channels);
  for (let place = 0; place < audio.length; place++) mixed[Math.floor(place / channels)] += audio[place] / channels;
  return mixed;
}

/* Squared magnitudes of the first half of the spectrum of `WINDOW` real samples, by a fast Fourier transform. */
function spectrum(samples) {
  const size = samples.length, real = new Float64Array(size), imaginary = new Float64Array(size);
  for (let place = 0, turned = 0; place < size; place++) {
    real[turned] = samples[place];
    let bit = size >> 1;
    for (; turned & bit; bit >>= 1) turned ^= bit;
    turned |= bit;
  }
  for (let half = 1; half < size; half *= 2) {
    for (let k = 0; k < half; k++) {
      const cosine = Math.cos((Math.PI * k) / half), sine = -Math.sin((Math.PI * k) / half);
      for (let at = k; at < size; at += 2 * half) {
        const to = at + half;
        const r = real[to] * cosine - imaginary[to] * sine, i = real[to] * sine + imaginary[to] * cosine;
        [real[to], imaginary[to]] = [real[at] - r, imaginary[at] - i];
        [real[at], imaginary[at]] = [real[at] + r, imaginary[at] + i];
      }
    }
  }
  return Float64Array.from({ length: size / 2 }, (_, bin) => real[bin] ** 2 + imaginary[bin] ** 2);
}

/* Fits the canvas to the pixels of the screen; returns its context and size. */
function prepared(canvas) {
  const scale = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * scale)), height = Math.max(1, Math.round(canvas.clientHeight * scale));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/* The loudest sample reaches the edges, but what can hardly be heard is not made large. */
function drawWave(context, samples, width, height) {
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0.05);
  context.fillStyle = getComputedStyle(context.canvas).color;
  for (let x = 0; x < width; x++) {
    const first = Math.floor((x * samples.length) / width), end = Math.max(first + 1, Math.floor(((x + 1) * samples.length) / width));
    let high = -peak, low = peak;
    for (let place = first; place < end; place++) {
      high = Math.max(high, samples[place]);
      low = Math.min(low, samples[place]);
    }
    const top = ((1 - high / peak) * height) / 2, bottom = ((1 - low / peak) * height) / 2;
    context.fillRect(x, top, 1, Math.max(1, bottom - top));
  }
}

/* Low frequencies at the bottom, on an axis that is nearly that of hearing: the square of its height. */
function drawSpectrogram(context, samples, width, top, height) {
  const columns = Math.min(160, width), hop = samples.length / columns;
  const window = Float64Array.from({ length: WINDOW }, (_, place) => Math.sin((Math.PI * (place + 0.5)) / WINDOW) ** 2);
  const spectra = Array.from({ length: columns }, (_, column) => {
    const first = Math.round((column + 0.5) * hop - WINDOW / 2);
    return spectrum(window.map((weight, place) => weight * (samples[first + place] ?? 0)));
  });
  const loudest = Math.max(1e-9, ...spectra.map((one) => Math.max(...one)));
  const rows = Math.min(64, height);
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) {
      const from = Math.floor((row / rows) ** 2 * (WINDOW / 2)), to = Math.max(from + 1, Math.floor(((row + 1) / rows) ** 2 * (WINDOW / 2)));
      const level = 10 * Math.log10(Math.max(...spectra[column].subarray(from, to)) / loudest + 1e-12);
      const shade = Math.max(0, 1 + level / RANGE_DB);
      context.fillStyle = `hsl(${270 - 230 * shade} 75% ${4 + 72 * shade ** 1.4}%)`;
      const left = Math.floor((column * width) / columns), right = Math.floor(((column + 1) * width) / columns);
      const upper = top + Math.floor(((rows - 1 - row) * height) / rows), lower = top + Math.floor(((rows - row) * height) / rows);
      context.fillRect(left, upper, right - left, lower - upper);
    }
  }
}

/* Draws audio [time, channels] on a canvas; with `whole` also its spectrogram. */
function draw(canvas, audio, channels, whole = false) {
  const { context, width, height } = prepared(canvas), samples = mono(audio, channels);
  const waves = whole ? Math.round(height * 0.4) : height;
  drawWave(context, samples, width, waves);
  if (whole) drawSpectrogram(context, samples, width, waves, height - waves);
}
