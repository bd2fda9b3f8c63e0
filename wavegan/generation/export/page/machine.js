"use strict";

/* The machine: the state, how the page shows it, and how it changes. */

const SELF_TEST = 1e-3; // the largest difference from the trainer's sound
const PAD_PAUSE_MS = 110; // between two sounds of the pad
const SILENT_MS = 1500; // after which a browser that plays nothing is not only slow
const SILENT = "The browser starts no sound: is there an output for it, and may this page play?";

const model = JSON.parse(element("model").textContent);
const generator = new Generator(model, element("network").textContent, (problem) => wrong(`The generator stopped: ${problem.message}.`));
let state, player, clock;
let chosen = 0; // the voice that is worked on
const audios = Array(VOICES).fill(null), cornerAudios = Array(CORNERS).fill(null);
const undone = []; // earlier states, as text
const ahead = []; // steps that were scheduled and do not sound yet: {time, bar, step}

/* Words. */

function tell(text) {
  element("status").className = "";
  element("status").textContent = text;
}

function wrong(text) {
  element("status").className = "wrong";
  element("status").textContent = text;
}

function named(sound) {
  return classesInWords(sound.classes, model.classes) || "sound";
}

function copied({ latent, classes }) {
  return { latent, classes: [...classes] };
}

/* The voices and steps of the page. */

const rows = Array.from({ length: VOICES }, (_, voice) => {
  const row = copyOf("voice"), part = (name) => row.querySelector(name);
  row.style.setProperty("--hue", (205 + voice * 45) % 360);
  const steps = Array.from({ length: STEPS }, (_, step) => {
    const button = document.createElement("button");
    button.className = "step";
    button.setAttribute("aria-label", `step ${step + 1}`);
    button.addEventListener("click", () => change(() => (state.patterns[state.pattern][voice] ^= 1 << step)));
    return button;
  });
  part(".steps").append(...steps);
  element("voices").append(row);
  part(".hit").title = `Play it (key ${KEYS[voice].at(-1)})`;
  part(".hit").addEventListener("click", () => (choose(voice), hit(voice)));
  part(".name").addEventListener("click", () => choose(voice));
  part(".new").addEventListener("click", () => (choose(voice), redraw([voice])));
  part(".lock").addEventListener("click", () => change(() => (state.voices[voice].locked = !state.voices[voice].locked)));
  part(".mute").addEventListener("click", () => change(() => (state.voices[voice].muted = !state.voices[voice].muted)));
  return { row, part, steps, canvas: part("canvas") };
});
arrowKeys(element("voices"), rows.map(({ steps }) => steps));

const patternButtons = [..."ABCD"].map((name, pattern) => {
  const button = document.createElement("button");
  button.textContent = name;
  button.addEventListener("click", () => change(() => (state.pattern = pattern)));
  element("patterns").append(button);
  return button;
});

const corners = Array.from({ length: CORNERS }, (_, corner) => {
  const one = copyOf("corner"), picture = one.querySelector(".picture"), take = one.querySelector(".take");
  picture.addEventListener("click", () => sound(cornerAudios[corner], picture));
  take.addEventListener("click", () => {
    change(() => (state.corners[corner] = copied(state.voices[chosen])), true);
    makeCorner(corner);
  });
  element("pad").append(one);
  return { picture, take, canvas: picture.querySelector("canvas") };
});

/* Changing the state: the page shows it, the address keeps it, and what `undoable` is can be taken back. */

let keeping;
function change(act, undoable = false) {
  const before = written(state, model);
  act();
  if (undoable) undone.push(before);
  show();
  clearTimeout(keeping);
  keeping = setTimeout(keep, 250);
}

function keep() {
  clearTimeout(keeping);
  history.replaceState(null, "", `#${written(state, model)}`);
}

function show() {
  rows.forEach(({ row, part, steps }, voice) => {
    const { locked, muted } = state.voices[voice], name = named(state.voices[voice]);
    row.classList.toggle("chosen", voice === chosen);
    row.classList.toggle("muted", muted);
    row.setAttribute("aria-label", `Voice ${voice + 1}: ${name}`);
    part(".name").textContent = `${voice + 1}  ${name}`;
    part(".name").title = name;
    press(part(".name"), voice === chosen);
    press(part(".lock"), locked);
    press(part(".mute"), muted);
    part(".hit").setAttribute("aria-label", `Play ${name}`);
    steps.forEach((button, step) => press(button, isSet(state.pattern, voice, step)));
  });
  patternButtons.forEach((button, pattern) => press(button, pattern === state.pattern));
  press(element("chain"), state.chain);
  setTempo(state.tempo);
  setSwing(state.swing);
  element("undo").disabled = !undone.length;
  showChosen();
  showPad();
}

function isSet(pattern, voice, step) {
  return Boolean(state.patterns[pattern][voice] & (1 << step));
}

function showChosen() {
  const { classes, level, pitch } = state.voices[chosen];
  element("sound-title").textContent = `Sound ${chosen + 1}: ${named(state.voices[chosen])}`;
  for (const one of document.querySelectorAll(".chosen:not(.voice)")) one.textContent = `sound ${chosen + 1}`;
  corners.forEach(({ take }, corner) => {
    take.textContent = `← sound ${chosen + 1}`;
    take.setAttribute("aria-label", `Put sound ${chosen + 1} into corner ${corner + 1}`);
  });
  setLevel(level);
  setPitch(pitch);
  element("kind").value = classes.filter(Boolean).length === 1 ? mainClass(classes) : "";
  weights.forEach(({ input, output }, kind) => {
    input.value = classes[kind];
    output.textContent = `${classes[kind]} %`;
  });
}

function choose(voice) {
  if (voice === chosen) return;
  chosen = voice;
  element("variations").hidden = true;
  show();
  drawWhole();
}
