"use strict";

/*
 * All that a person chooses, as one object, and as text in the page's address:
 *
 *   {tempo, swing, pattern, chain, patterns: [[a number of 16 bits for each voice]], voices: [{latent, classes, level,
 *   pitch, locked, muted}], corners: [{latent, classes}], x, y}
 */

const VOICES = 8, PATTERNS = 4, CORNERS = 4;
const TEMPO = [40, 240], SWING = [50, 75], LEVEL = [0, 100], PITCH = [-24, 24];
const BEATS = { // by the drum's note: what the first pattern has
  36: "x......x..x.....", 38: "....x.......x...", 42: "x.x.x.x.x.x.x...", 46: "..............x.", 39: "............x...", 37: "...x......x.....",
};

function inRange(value, [least, most]) {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Error("a number is missing");
  return Math.max(least, Math.min(most, value));
}

/* The steps "x..x…" as a number, the first step its lowest bit. */
function bits(steps) {
  return [...steps].reduce((sum, step, place) => sum | ((step === "x" ? 1 : 0) << place), 0);
}

/* The beat that a page begins with. Of a model that knows no drums: four sounds to a bar, in two bars. */
function firstState({ latent, classes, notes, first }) {
  const kinds = Array.from({ length: VOICES }, (_, voice) => first[voice] ?? -1);
  const sound = (kind) => ({ latent: drawn(latent), classes: only(kind, classes.length) });
  const drums = kinds.some((kind) => BEATS[notes[kind]]);
  const patterns = Array.from({ length: PATTERNS }, (_, pattern) =>
    kinds.map((kind, voice) => {
      if (drums) return pattern === 0 && kinds.indexOf(kind) === voice ? bits(BEATS[notes[kind]] ?? "") : 0;
      return pattern === Math.floor(voice / 4) ? 1 << (4 * (voice % 4)) : 0;
    }),
  );
  const voices = kinds.map((kind) => ({ ...sound(kind), level: 80, pitch: 0, locked: false, muted: false }));
  const corners = Array.from({ length: CORNERS }, (_, corner) => ({ latent: voices[corner].latent, classes: voices[corner].classes }));
  return { tempo: drums ? 112 : 96, swing: 50, pattern: 0, chain: !drums, patterns, voices, corners, x: 0.5, y: 0.5 };
}

function toText(content) {
  return btoa(String.fromCharCode(...content)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromText(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}

function soundToText({ latent, classes }) {
  return [toText(new Uint8Array(latent.buffer)), classes.flatMap((weight, kind) => (weight ? [kind, weight] : []))];
}

function soundFromText([text, weights], { latent, classes }) {
  const found = new Int8Array(fromText(text).buffer), kinds = only(-1, classes.length);
  if (found.length !== latent) throw new Error(`a latent has ${found.length} numbers, ${latent} are expected`);
  for (let place = 0; place < weights.length; place += 2) {
    if (!(weights[place] in kinds)) throw new Error("it has other classes");
    kinds[weights[place]] = Math.round(inRange(weights[place + 1], LEVEL));
  }
  if (classes.length && !kinds.some(Boolean)) throw new Error("a sound has no class");
  return { latent: found, classes: kinds };
}

/* The state as text for an address. */
function written(state, model) {
  const { tempo, swing, pattern, chain, patterns, voices, corners, x, y } = state;
  const parts = {
    m: model.model, t: tempo, s: swing, p: pattern, c: Number(chain), g: patterns,
    v: voices.map((voice) => [...soundToText(voice), voice.level, voice.pitch, Number(voice.locked) + 2 * Number(voice.muted)]),
    f: corners.map(soundToText), x: Number(x.toFixed(3)), y: Number(y.toFixed(3)),
  };
  return `1.${toText(new TextEncoder().encode(JSON.stringify(parts)))}`;
}

/* The state that a text says, and whether it was made with this model. Throws an error where it says none. */
function readState(text, model) {
  if (!text.startsWith("1.")) throw new Error("it is of another version");
  const { m, t, s, p, c, g, v, f, x, y } = JSON.parse(new TextDecoder().decode(fromText(text.slice(2))));
  const voices = v.map(([latent, classes, level, pitch, flags]) => ({
    ...soundFromText([latent, classes], model),
    level: inRange(level, LEVEL), pitch: inRange(pitch, PITCH), locked: Boolean(flags & 1), muted: Boolean(flags & 2),
  }));
  const patterns = g.map((rows) => rows.map((row) => inRange(row, [0, 65535]) & 65535));
  const corners = f.map((sound) => soundFromText(sound, model));
  const counts = [voices.length, patterns.length, corners.length, ...patterns.map((rows) => rows.length - VOICES)];
  if (counts.join() !== [VOICES, PATTERNS, CORNERS, ...Array(PATTERNS).fill(0)].join()) throw new Error("parts of it are missing");
  const state = {
    tempo: inRange(t, TEMPO), swing: inRange(s, SWING), pattern: Math.round(inRange(p, [0, PATTERNS - 1])), chain: Boolean(c),
    patterns, voices, corners, x: inRange(x, [0, 1]), y: inRange(y, [0, 1]),
  };
  return { state, same: m === model.model };
}

/* MIDI notes of the voices: their drums' in General MIDI, each once, else the lowest from 36 on that is free. */
function voiceNotes({ voices }, { notes }) {
  const found = [];
  for (const { classes } of voices) {
    const wanted = notes[mainClass(classes)];
    found.push(wanted && !found.includes(wanted) ? wanted : null);
  }
  return found.map((note, voice) => {
    for (let key = 36; note === null; key++) if (!found.includes(key)) note = key;
    return (found[voice] = note);
  });
}
