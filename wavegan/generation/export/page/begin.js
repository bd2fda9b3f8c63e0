"use strict";

/* What the controls do, and how the page begins. */

const setTempo = slider("tempo", (value) => `${value} bpm`, (value) => change(() => (state.tempo = value)));
const setSwing = slider("swing", (value) => `${value} %`, (value) => change(() => (state.swing = value)));
const setLevel = slider("level", (value) => `${value} %`, (value) => change(() => (state.voices[chosen].level = value)));
const setPitch = slider("pitch", (value) => `${value > 0 ? "+" : ""}${value}`, (value) => change(() => (state.voices[chosen].pitch = value)));
slider("spread", (value) => `${value} %`, () => {});

const weights = model.classes.map((name, kind) => {
  const label = document.createElement("label"), words = document.createElement("span");
  const input = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100, step: 5 });
  const output = document.createElement("output");
  words.textContent = words.title = name;
  label.append(words, input, output);
  element("weights").append(label);
  element("kind").append(new Option(name, kind));
  input.addEventListener("input", () => {
    const classes = state.voices[chosen].classes.with(kind, Number(input.value));
    if (classes.some(Boolean)) change(() => (state.voices[chosen].classes = classes));
    else input.value = state.voices[chosen].classes[kind]; // something it must be
    makeVoice[chosen]();
  });
  input.addEventListener("change", () => makeVoice[chosen]().then(() => hit(chosen)));
  return { input, output };
});
element("kind").append(new Option("a mixture", "", false, false));
element("kind").lastElementChild.disabled = true;
element("kinds").hidden = !model.classes.length;

element("kind").addEventListener("change", ({ target }) => {
  change(() => (state.voices[chosen].classes = only(Number(target.value), model.classes.length)), true);
  element("variations").hidden = true;
  makeVoice[chosen]().then(() => hit(chosen));
});
element("play").addEventListener("click", playOrStop);
element("chain").addEventListener("click", () => change(() => (state.chain = !state.chain)));
element("copy").addEventListener("click", () => {
  const next = (state.pattern + 1) % PATTERNS;
  change(() => {
    state.patterns[next] = [...state.patterns[state.pattern]];
    state.pattern = next;
  }, true);
});
element("clear").addEventListener("click", () => change(() => state.patterns[state.pattern].fill(0), true));
element("all-new").addEventListener("click", () => redraw(state.voices.flatMap(({ locked }, voice) => (locked ? [] : [voice]))));
element("undo").addEventListener("click", () => {
  state = readState(undone.pop(), model).state;
  change(() => {});
  makeAll();
});
element("whole").addEventListener("click", () => hit(chosen));
element("new").addEventListener("click", () => redraw([chosen]));
element("vary").addEventListener("click", variations);
element("pad-use").addEventListener("click", () => {
  change(() => Object.assign(state.voices[chosen], padSound()), true);
  makeVoice[chosen]().then(() => hit(chosen));
});
element("pad-new").addEventListener("click", () => {
  change(() => state.corners.forEach((corner) => (corner.latent = drawn(model.latent))), true);
  corners.forEach((_, corner) => makeCorner(corner));
});
const field = element("field");
const toPointer = ({ clientX, clientY }) => {
  const { left, top, width, height } = field.getBoundingClientRect();
  movePad((clientX - left) / width, (clientY - top) / height);
};
field.addEventListener("pointerdown", (event) => {
  field.setPointerCapture(event.pointerId);
  toPointer(event);
});
field.addEventListener("pointermove", (event) => field.hasPointerCapture(event.pointerId) && toPointer(event));
field.addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0], ArrowUp: [0, -0.05], ArrowDown: [0, 0.05], Enter: [0, 0] };
  const move = moves[event.key];
  if (!move) return;
  event.preventDefault();
  movePad(state.x + move[0], state.y + move[1]);
});
element("save-sound").addEventListener("click", () => {
  const name = `${inFileName(model.run)}-${inFileName(named(state.voices[chosen]))}.wav`;
  save(name, wavFile(split(audios[chosen], model.channels), model.rate), "audio/wav");
});
element("save-loop").addEventListener("click", saveLoop);
element("save-midi").addEventListener("click", () => save(`${inFileName(model.run)}.mid`, beatAsMidi(), "audio/midi"));
element("save-kit").addEventListener("click", () => save(`${inFileName(model.run)}-kit.zip`, zipFile(kitFiles()), "application/zip"));
element("save-link").addEventListener("click", copyLink);

element("midi").disabled = !navigator.requestMIDIAccess;
element("midi-is").textContent = navigator.requestMIDIAccess
  ? "Channel 10 plays the eight sounds by their drum notes, any other the chosen sound at every pitch, middle C as it is."
  : "There is no Web MIDI here: Chrome and Edge have it, Firefox for pages from a server.";
element("midi").addEventListener("click", async () => {
  try {
    const access = await midiInput((note, velocity, channel) => {
      if (channel !== 10) return hit(chosen, velocity, note - 60);
      const voice = voiceNotes(state, model).indexOf(note);
      if (voice >= 0) hit(voice, velocity);
    });
    const names = [...access.inputs.values()].map(({ name }) => name).join(", ");
    element("midi-is").textContent = names ? `Connected: ${names}.` : "No MIDI keyboard is plugged in; one that is plugged in now will play.";
  } catch {
    element("midi-is").textContent = "The browser did not allow MIDI.";
  }
});

keyboard({
  Space: playOrStop,
  KeyN: () => redraw([chosen]),
  KeyV: variations,
  ...Object.fromEntries(KEYS.map((code, voice) => [code, () => hit(voice)])),
  ...Object.fromEntries(KEYS.map((_, voice) => [`Digit${voice + 1}`, () => choose(voice)])),
});

/* Beginning: by the address, or anew. */

function fromAddress(address) {
  const text = new URL(address).hash.slice(1);
  if (!text) return "";
  try {
    const { state: found, same } = readState(text, model);
    state = found;
    return same ? "" : "The link was made with another model: the beat is the same, the sounds are others.";
  } catch (problem) {
    return `The address holds a beat that cannot be played here (${problem.message}).`;
  }
}

window.addEventListener("hashchange", ({ newURL }) => {
  const note = fromAddress(newURL); // the address now may be what the page kept of itself since
  if (note) wrong(note);
  else tell("");
  change(() => {});
  makeAll();
});
window.addEventListener("resize", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

async function begin() {
  const started = performance.now();
  element("facts").textContent = [
    `${(model.length / model.rate).toFixed(2)} s at ${model.rate / 1000} kHz`,
    model.channels === 2 ? "stereo" : "",
    model.classes.length ? `${model.classes.length} classes` : "",
    `step ${model.step.toLocaleString("en")} of its training`,
  ].filter(Boolean).join(", ") + ".";
  element("made").textContent = `WaveGAN ${model.version}`;
  if (typeof AudioContext === "undefined") return wrong("This browser has no Web Audio, so nothing can be played here.");
  state = firstState(model);
  const note = fromAddress(location.href), difference = await generator.load();
  show();
  await makeAll();
  if (!(difference <= SELF_TEST)) wrong(`The self-test failed: sounds made by this browser differ from the trainer's by ${difference}.`);
  else if (note) wrong(note);
  else tell(`Ready after ${((performance.now() - started) / 1000).toFixed(2)} s; the self-test differs from the trainer's sound by ${difference.toExponential(0)}.` + (generator.inPage ? " This browser starts no worker here, so the page stops for a moment while it makes a sound." : ""));
  element("main").inert = false;
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

begin().catch((problem) => wrong(`This page does not work here: ${problem.message}.`));
