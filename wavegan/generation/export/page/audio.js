"use strict";

/*
 * Playing: what sounds when. Hits are handed to the audio clock up to AHEAD_S before they sound, so that a page that is
 * busy for a moment is not heard. What is saved is rendered by the same functions, offline.
 */

const STEPS = 16;
const AHEAD_S = 0.3, HIDDEN_AHEAD_S = 1.6; // a hidden page is woken once a second
const EVERY_MS = 40;
const SAVED_RATE = 44100; // Hz, of a saved loop
const HEADROOM = 4; // voices at full scale that the limiter takes
const HATS = [42, 44, 46]; // notes of which one ends the others

/* Seconds from the start of a bar to a step; with swing, in percent, every second one comes later: 50 is straight. */
function stepTime(step, { tempo, swing }) {
  const pair = 30 / tempo;
  return Math.floor(step / 2) * pair + (step % 2 ? (pair * swing) / 100 : 0);
}

/* Seconds of a bar. */
function barTime({ tempo }) {
  return ((STEPS / 2) * 30) / tempo;
}

/* Where sounds go in a context: a limiter that leaves what is below 0.8 as it is, and delays nothing. */
function output(context) {
  const shape = new Float32Array(8193);
  for (let place = 0; place < shape.length; place++) {
    const value = HEADROOM * ((2 * place) / (shape.length - 1) - 1), size = Math.abs(value);
    shape[place] = Math.sign(value) * (size < 0.8 ? size : 0.8 + 0.2 * Math.tanh((size - 0.8) / 0.2));
  }
  const input = new GainNode(context, { gain: 1 / HEADROOM });
  input.connect(new WaveShaperNode(context, { curve: shape })).connect(context.destination);
  return input;
}

/* The sounds of the machine in one context, live or offline. */
class Player {
  constructor(context, model) {
    this.context = context;
    this.model = model;
    this.output = output(context);
    this.buffers = new WeakMap(); // of audio that was played before
    this.sounding = new Set();
    this.hat = null; // the last hit of a hi-hat
  }

  buffer(audio) {
    if (!this.buffers.has(audio)) {
      const { channels, rate } = this.model, buffer = this.context.createBuffer(channels, audio.length / channels, rate);
      split(audio, channels).forEach((samples, channel) => buffer.copyToChannel(samples, channel));
      this.buffers.set(audio, buffer);
    }
    return this.buffers.get(audio);
  }

  /* Plays audio at a time of the context's clock, `level` in percent, `pitch` in semitones. */
  hit({ audio, level = 100, pitch = 0, note = null }, when) {
    const source = new AudioBufferSourceNode(this.context, { buffer: this.buffer(audio), playbackRate: 2 ** (pitch / 12) });
    const gain = new GainNode(this.context, { gain: (level / 100) ** 2 });
    source.connect(gain).connect(this.output);
    source.start(when);
    this.sounding.add(source);
    source.onended = () => this.sounding.delete(source);
    if (HATS.includes(note)) {
      this.hat?.gain.setTargetAtTime(0, when, 0.004);
      this.hat = gain;
    }
  }

  silence() {
    for (const source of this.sounding) source.stop();
    this.sounding.clear();
    this.hat = null;
  }
}

/* Goes through the bars of a beat, and hits what they say. */
class Clock {
  /* `beat()` gives {tempo, swing, bars: [what to hit at a step: step => [voice]]}; `at(time, bar, step)` is called ahead. */
  constructor(player, beat, at) {
    Object.assign(this, { player, beat, at, timer: null });
  }

  get running() {
    return this.timer !== null;
  }

  start() {
    this.bar = this.step = 0;
    this.pair = this.player.context.currentTime + 0.08; // when the pair of steps begins that comes next
    this.timer = setInterval(() => this.tick(), EVERY_MS);
    this.tick();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.player.silence();
  }

  tick() {
    const { currentTime } = this.player.context, until = currentTime + (document.hidden ? HIDDEN_AHEAD_S : AHEAD_S);
    for (;;) {
      const beat = this.beat(), odd = this.step % 2, when = this.pair + (odd ? stepTime(1, beat) : 0);
      if (when > until) return;
      this.bar %= beat.bars.length;
      if (when >= currentTime) { // what is late is left out, not played all at once
        for (const voice of beat.bars[this.bar](this.step)) this.player.hit(voice, when);
        this.at(when, this.bar, this.step);
      }
      if (odd) this.pair += 30 / beat.tempo;
      this.step = (this.step + 1) % STEPS;
      if (this.step === 0) this.bar += 1;
    }
  }
}

/*
 * The beat as a loop without a seam: what still sounds at its end begins it. {channels: [Float32Array], rate}, and the
 * onsets: [seconds] of every hit, in order.
 */
async function rendered(model, beat) {
  const seconds = barTime(beat) * beat.bars.length, frames = Math.round(seconds * SAVED_RATE);
  const rounds = 1 + Math.ceil(longest(model, beat) / seconds);
  const context = new OfflineAudioContext(model.channels, rounds * frames, SAVED_RATE);
  const player = new Player(context, model), onsets = [];
  for (let round = 0; round < rounds; round++) {
    for (const [bar, hits] of beat.bars.entries()) {
      for (let step = 0; step < STEPS; step++) {
        const when = bar * barTime(beat) + stepTime(step, beat);
        for (const voice of hits(step)) {
          player.hit(voice, (round * frames) / SAVED_RATE + when);
          if (round === 0) onsets.push(when);
        }
      }
    }
  }
  const whole = await context.startRendering();
  const channels = Array.from({ length: model.channels }, (_, channel) => whole.getChannelData(channel).slice((rounds - 1) * frames));
  return { channels, rate: SAVED_RATE, onsets };
}

/* Seconds of the longest sound, as it is pitched. */
function longest(model, beat) {
  const pitches = beat.bars.flatMap((hits) => Array.from({ length: STEPS }, (_, step) => hits(step).map(({ pitch }) => pitch)).flat());
  return (model.length / model.rate) * 2 ** (-Math.min(0, ...pitches) / 12);
}
