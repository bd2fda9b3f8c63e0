"use strict";

const SHORT = { group: 6, all: 24 }; // generated clips shown at first, of a class or of all; half as many real ones

const player = document.getElementById("player");
const gallery = document.getElementById("clips");
const order = document.getElementById("order");
const more = document.getElementById("more");
const all = document.getElementById("all");
const chips = [...document.querySelectorAll(".chip")];
const clips = [...gallery.querySelectorAll(".clip")];
const isReal = new Map(clips.map((clip) => [clip, clip.closest(".real") !== null]));

/* Playing: one audio element, so that one clip sounds at a time. */

let playing = null; // the clip that sounds
let queue = []; // the clips that follow

function play(clip) {
  silence();
  playing = clip;
  clip.classList.add("playing");
  const button = clip.querySelector(".play");
  button.setAttribute("aria-pressed", "true");
  player.src = button.dataset.sound;
  player.play().catch((problem) => {
    if (problem.name !== "AbortError") throw problem; // the next clip was quicker
  });
  requestAnimationFrame(follow);
}

function silence() {
  player.pause();
  if (!playing) return;
  playing.classList.remove("playing");
  playing.querySelector(".play").setAttribute("aria-pressed", "false");
  playing = null;
}

function stop() {
  queue = [];
  silence();
  all.textContent = "Play these one by one";
}

function follow() {
  if (!playing) return;
  playing.style.setProperty("--at", player.currentTime / player.duration || 0);
  requestAnimationFrame(follow);
}

function next() {
  if (!queue.length) return stop();
  const clip = queue.shift();
  clip.scrollIntoView({ block: "nearest" });
  play(clip);
}

player.addEventListener("ended", next);

all.addEventListener("click", () => {
  const busy = queue.length > 0;
  stop();
  if (busy) return;
  queue = shown().filter((clip) => !isReal.get(clip));
  all.textContent = "Stop";
  next();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest(".play");
  if (!button) return;
  const clip = button.closest(".clip");
  const again = clip === playing;
  stop();
  button.focus(); // not every browser does
  if (!again) play(clip);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stop();
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const here = document.activeElement.closest(".play");
  if (!step || !here || event.altKey || event.ctrlKey || event.metaKey) return;
  const buttons = [...document.querySelectorAll(".play")].filter(visible);
  const there = buttons[buttons.indexOf(here) + step];
  if (there) there.focus();
  event.preventDefault();
});

/* The gallery: sorted, filtered, in groups. */

function visible(element) {
  return element.offsetParent !== null;
}

function shown() {
  return [...gallery.querySelectorAll(".clip")].filter(visible);
}

const byText = (a, b) => a.localeCompare(b, undefined, { numeric: true });
const byName = (a, b) => byText(a.dataset.name, b.dataset.name);

/** Ascending or descending by a number; clips without it come last, in the order they came in. */
function byNumber(key, sign) {
  return (a, b) => {
    if (!(key in a.dataset && key in b.dataset)) return (key in b.dataset) - (key in a.dataset);
    return sign * (a.dataset[key] - b.dataset[key]) || byName(a, b);
  };
}

const isGrouped = (value) => value === "label" || value === "asked";

/** The class that a clip stands under: what it was asked to be, or what it is taken for. */
function kindOf(clip) {
  return order.value === "asked" ? (clip.dataset.asked ?? clip.dataset.label) : clip.dataset.label;
}

function comparison(value) {
  if (value === "name") return byName;
  if (isGrouped(value)) return byNumber("confidence", -1); // within its class
  const [key, direction] = value.split("-");
  return byNumber(key, direction === "up" ? 1 : -1);
}

function arrange() {
  stop();
  const grouped = isGrouped(order.value);
  const chosen = chips.find((chip) => chip.ariaPressed === "true")?.dataset.label;
  const kept = clips.filter((clip) => chosen === undefined || (clip.dataset.asked ?? clip.dataset.label) === chosen);
  kept.sort(comparison(order.value));
  const labels = grouped ? [...new Set(kept.map(kindOf))] : [null];
  labels.sort((a, b) => (a === undefined) - (b === undefined) || byText(String(a), String(b)));
  const groups = labels.map((label) => group(label, kept.filter((clip) => !grouped || kindOf(clip) === label)));
  gallery.classList.toggle("grouped", grouped);
  gallery.classList.toggle("by-asked", order.value === "asked");
  gallery.replaceChildren(...groups);
  shorten(true);
}

function group(label, members) {
  const element = document.createElement("div");
  element.className = "group";
  if (label !== null) element.append(heading("h3", label ?? "no class"));
  for (const [side, words] of [["generated", "Generated"], ["real", "Real"]]) {
    const own = members.filter((clip) => isReal.get(clip) === (side === "real"));
    const cards = document.createElement("div");
    cards.className = "cards";
    cards.append(...own);
    const box = document.createElement("div");
    box.className = `side ${side}`;
    box.dataset.words = words;
    box.append(heading("h4", words), cards);
    element.append(box);
  }
  return element;
}

function heading(kind, words) {
  const element = document.createElement(kind);
  element.textContent = words;
  return element;
}

/** What stands over the clips of a side: what they are, and how many of them are shown. */
function counted(words, shown, all) {
  if (!all) return `${words}: none`;
  return shown < all ? `${words} (${shown} of ${all})` : `${words} (${all})`;
}

/** Hides what goes beyond the first cards of every group, or shows all; the button says how many there are. */
function shorten(short) {
  const most = isGrouped(order.value) && gallery.children.length > 1 ? SHORT.group : SHORT.all;
  let hidden = 0;
  for (const side of gallery.querySelectorAll(".side")) {
    const own = [...side.querySelectorAll(".clip")];
    const first = side.classList.contains("real") ? most / 2 : most;
    own.forEach((clip, place) => (clip.hidden = short && place >= first));
    hidden += Math.max(0, own.length - first);
    const seen = short ? Math.min(first, own.length) : own.length;
    side.querySelector("h4").textContent = counted(side.dataset.words, seen, own.length);
  }
  more.hidden = hidden === 0;
  more.textContent = short ? `Show ${hidden} more` : "Show fewer";
  more.onclick = () => shorten(!short);
}

order.addEventListener("change", arrange);
for (const chip of chips) {
  chip.addEventListener("click", () => {
    for (const other of chips) other.ariaPressed = String(other === chip);
    arrange();
  });
}
arrange();
