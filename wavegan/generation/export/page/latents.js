"use strict";

/*
 * Latents and class weights. A latent is an Int8Array of steps from -127 to 127, which stand for -1 to 1: so it fits into
 * the page's address, and a link makes the same sound to the last bit. Class weights are whole percentages.
 */

const GRID = 127;

function drawn(size) {
  return Int8Array.from({ length: size }, () => Math.round((2 * Math.random() - 1) * GRID));
}

/* A variation: every number moves by up to `spread`, where 2 leaves nothing; what would leave [-1, 1] is reflected. */
function varied(latent, spread) {
  return latent.map((step) => {
    const moved = step / GRID + (2 * Math.random() - 1) * spread;
    const inside = Math.abs(moved) > 1 ? 2 * Math.sign(moved) - moved : moved;
    return Math.round(Math.max(-1, Math.min(1, inside)) * GRID);
  });
}

/* The point at `share` of the arc from one list of numbers to another, as models/latents.py has it. */
function onArc(start, end, share) {
  const dot = (a, b) => a.reduce((sum, value, place) => sum + value * b[place], 0);
  const lengths = Math.sqrt(dot(start, start) * dot(end, end));
  const angle = lengths ? Math.acos(Math.max(-1, Math.min(1, dot(start, end) / lengths))) : 0;
  const sine = Math.sin(angle);
  const [a, b] = sine < 1e-6 ? [1 - share, share] : [Math.sin((1 - share) * angle) / sine, Math.sin(share * angle) / sine];
  return start.map((value, place) => a * value + b * end[place]);
}

/* The sound between four, at `x` from left to right and `y` from top to bottom, 0 to 1. */
function betweenFour([a, b, c, d], x, y) {
  const latent = ({ latent }) => Array.from(latent);
  const upper = onArc(latent(a), latent(b), x), lower = onArc(latent(c), latent(d), x);
  const found = onArc(upper, lower, y);
  const shares = [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y];
  return {
    latent: Int8Array.from(found, (value) => Math.round(Math.max(-GRID, Math.min(GRID, value)))),
    classes: a.classes.map((_, kind) => Math.round([a, b, c, d].reduce((sum, one, place) => sum + shares[place] * one.classes[kind], 0))),
  };
}

/* What the network takes: the latent, and behind it the class weights, whose sum is 1. */
function given({ latent, classes }) {
  const sum = classes.reduce((total, weight) => total + weight, 0) || 1;
  return Float32Array.from([...Array.from(latent, (step) => step / GRID), ...classes.map((weight) => weight / sum)]);
}

/* Percentages for one class of `count`. */
function only(kind, count) {
  return Array.from({ length: count }, (_, place) => (place === kind ? 100 : 0));
}

/* The class with the largest weight; -1 without classes. */
function mainClass(classes) {
  return classes.indexOf(Math.max(...classes));
}

/* "kick", or "70 % kick, 30 % snare", of at most `most` classes. */
function classesInWords(classes, names, most = 3) {
  const sum = classes.reduce((total, weight) => total + weight, 0);
  if (!sum) return "";
  const parts = classes.map((weight, kind) => [Math.round((100 * weight) / sum), names[kind]]).filter(([share]) => share > 0);
  if (parts.length === 1) return parts[0][1];
  parts.sort(([a], [b]) => b - a);
  return parts.slice(0, most).map(([share, name]) => `${share} % ${name}`).join(", ") + (parts.length > most ? ", …" : "");
}
