"use strict";

/* Files as bytes: WAV, MIDI, zip. */

const TICKS = 480; // of a quarter note in a MIDI file
const DRUMS = 9; // MIDI's tenth channel

/* A file from parts: numbers as [value, bytes], little-endian; texts; bytes. */
function bytes(parts) {
  const written = parts.map((part) => {
    if (typeof part === "string") return new TextEncoder().encode(part);
    if (!Array.isArray(part)) return part;
    const [value, size] = part;
    return Uint8Array.from({ length: size }, (_, place) => Math.floor(value / 256 ** place) % 256);
  });
  const all = new Uint8Array(written.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of written) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/* A WAV file, PCM 16, of channels [Float32Array]. */
function wavFile(channels, rate) {
  const count = channels.length, samples = new Uint8Array(2 * count * channels[0].length), view = new DataView(samples.buffer);
  for (let place = 0; place < channels[0].length; place++) {
    for (let channel = 0; channel < count; channel++) {
      const value = Math.max(-32768, Math.min(32767, Math.round(channels[channel][place] * 32768)));
      view.setInt16(2 * (place * count + channel), value, true);
    }
  }
  const format = [[16, 4], [1, 2], [count, 2], [rate, 4], [2 * count * rate, 4], [2 * count, 2], [16, 2]];
  return bytes(["RIFF", [36 + samples.length, 4], "WAVEfmt ", ...format, "data", [samples.length, 4], samples]);
}

/* The channels of audio [time, channels]. */
function split(audio, channels) {
  return Array.from({ length: channels }, (_, channel) => audio.filter((_, place) => place % channels === channel));
}

/* A MIDI file of one track: notes [{tick, note, velocity}], each a sixteenth long, on the channel for drums. */
function midiFile(notes, tempo, end) {
  const big = (value, size) => Uint8Array.from({ length: size }, (_, place) => Math.floor(value / 256 ** (size - 1 - place)) % 256);
  const later = (ticks) => { // a number of ticks, seven bits a byte
    const found = [ticks & 127];
    for (let rest = ticks >> 7; rest; rest >>= 7) found.unshift((rest & 127) | 128);
    return Uint8Array.from(found);
  };
  const events = notes.flatMap(({ tick, note, velocity }) => [
    { tick, order: 1, message: [0x90 + DRUMS, note, velocity] },
    { tick: Math.min(tick + TICKS / 4, end), order: 0, message: [0x80 + DRUMS, note, 0] },
  ]);
  events.sort((a, b) => a.tick - b.tick || a.order - b.order);
  const track = [Uint8Array.of(0, 0xff, 0x51, 3), big(Math.round(6e7 / tempo), 3)];
  let now = 0;
  for (const { tick, message } of events) {
    track.push(later(tick - now), Uint8Array.from(message));
    now = tick;
  }
  const body = bytes([...track, later(end - now), Uint8Array.of(0xff, 0x2f, 0)]);
  return bytes(["MThd", big(6, 4), big(0, 2), big(1, 2), big(TICKS, 2), "MTrk", big(body.length, 4), body]);
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

function checksum(content) {
  let found = 0xffffffff;
  for (const byte of content) found = CRC[(found ^ byte) & 255] ^ (found >>> 8);
  return (found ^ 0xffffffff) >>> 0;
}

/* A zip of {name: bytes}, not compressed: sound hardly gets smaller. */
function zipFile(files) {
  const parts = [], directory = [], utf8 = 1 << 11, newYear1980 = 0x21;
  let at = 0;
  for (const [name, content] of Object.entries(files)) {
    const encoded = new TextEncoder().encode(name), size = [content.length, 4];
    const facts = [[20, 2], [utf8, 2], [0, 2], [0, 2], [newYear1980, 2], [checksum(content), 4], size, size, [encoded.length, 2], [0, 2]];
    const entry = bytes(["PK\x03\x04", ...facts, encoded, content]);
    directory.push(bytes(["PK\x01\x02", [20, 2], ...facts, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4], encoded]));
    parts.push(entry);
    at += entry.length;
  }
  const listed = bytes(directory), count = [directory.length, 2];
  return bytes([...parts, listed, "PK\x05\x06", [0, 2], [0, 2], count, count, [listed.length, 4], [at, 4], [0, 2]]);
}

/* Lets the browser save a file. */
function save(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/* A text as part of a file's name. */
function inFileName(text) {
  return text.replace(/[^\p{L}\p{N}.-]+/gu, "-").replace(/^[.-]+|[.-]+$/g, "").slice(0, 40) || "sound";
}
