"use strict";

/* The machine: what the controls do to the state, what the state looks and sounds like. */

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

/* Making sounds and their pictures. */

const makeVoice = Array.from({ length: VOICES }, (_, voice) =>
  newest(async () => {
    audios[voice] = await generator.make(state.voices[voice]);
    draw(rows[voice].canvas, audios[voice], model.channels);
    if (voice === chosen) drawWhole();
  }),
);

async function makeCorner(corner) {
  cornerAudios[corner] = await generator.make(state.corners[corner]);
  draw(corners[corner].canvas, cornerAudios[corner], model.channels);
}

function drawWhole() {
  if (audios[chosen]) draw(element("whole").firstElementChild, audios[chosen], model.channels, true);
}

function drawAll() {
  rows.forEach(({ canvas }, voice) => audios[voice] && draw(canvas, audios[voice], model.channels));
  corners.forEach(({ canvas }, corner) => cornerAudios[corner] && draw(canvas, cornerAudios[corner], model.channels));
  drawWhole();
}

/* The voices first: the promise is kept as soon as these are there. */
function makeAll() {
  const voices = Promise.all(makeVoice.map((make) => make()));
  corners.forEach((_, corner) => makeCorner(corner));
  return voices;
}

/* New draws for voices, in their classes. */
async function redraw(voices) {
  change(() => {
    for (const voice of voices) state.voices[voice].latent = drawn(model.latent);
  }, true);
  element("variations").hidden = true;
  await Promise.all(voices.map((voice) => makeVoice[voice]()));
  if (voices.length === 1 && !clock?.running) hit(voices[0]);
}

async function variations() {
  const before = copied(state.voices[chosen]), voice = chosen, spread = Number(element("spread").value) / 100;
  const near = [before, ...Array.from({ length: 6 }, () => ({ ...before, latent: varied(before.latent, spread) }))];
  const strip = element("variations");
  strip.replaceChildren();
  strip.hidden = false;
  for (const [place, one] of near.entries()) {
    const button = document.createElement("button");
    button.className = "picture";
    button.setAttribute("aria-label", place ? `Variation ${place}` : "As it was");
    button.title = place ? "Play and take this one" : "As it was";
    press(button, place === 0);
    button.append(document.createElement("canvas"));
    strip.append(button);
    const audio = await generator.make(one);
    draw(button.firstElementChild, audio, model.channels);
    button.addEventListener("click", () => {
      change(() => (state.voices[voice].latent = one.latent), true);
      for (const other of strip.children) press(other, other === button);
      makeVoice[voice]().then(() => hit(voice));
    });
  }
}

/* Playing. */

function ready() {
  if (!player) {
    player = new Player(new AudioContext({ latencyHint: "interactive" }), model);
    clock = new Clock(player, beat, (time, bar, step) => ahead.push({ time, bar, step }));
  }
  if (player.context.state !== "running") {
    player.context.resume();
    setTimeout(() => player.context.state === "running" || wrong(SILENT), SILENT_MS);
  }
  return player;
}

function toHit(voice) {
  const { level, pitch, classes } = state.voices[voice];
  return { audio: audios[voice], level, pitch, note: model.notes[mainClass(classes)] ?? null };
}

/* What is played and saved: the pattern that is shown, or all that are not empty. */
function playedPatterns() {
  const full = state.patterns.flatMap((rows, pattern) => (rows.some(Boolean) ? [pattern] : []));
  return state.chain && full.length ? full : [state.pattern];
}

function beat() {
  const bars = playedPatterns().map((pattern) => (step) =>
    state.voices.flatMap(({ muted }, voice) => (!muted && audios[voice] && isSet(pattern, voice, step) ? [toHit(voice)] : [])),
  );
  return { tempo: state.tempo, swing: state.swing, bars };
}

function hit(voice, velocity = 1, pitch = 0) {
  if (!audios[voice]) return;
  const one = toHit(voice);
  ready().hit({ ...one, level: one.level * Math.sqrt(velocity), pitch: one.pitch + pitch }, player.context.currentTime);
  flash(rows[voice].part(".hit"));
  if (voice === chosen) flash(element("whole"));
}

function sound(audio, picture) {
  if (!audio) return;
  ready().hit({ audio }, player.context.currentTime);
  if (picture) flash(picture);
}

function flash(picture) {
  picture.classList.add("sounds");
  setTimeout(() => picture.classList.remove("sounds"), 150);
}

function playOrStop() {
  ready();
  if (clock.running) clock.stop();
  else clock.start();
  ahead.length = 0;
  press(element("play"), clock.running);
  element("play").textContent = clock.running ? "■ Stop" : "▶ Play";
  if (clock.running) requestAnimationFrame(follow);
  else mark(-1);
}

function mark(now) {
  for (const { steps } of rows) steps.forEach((button, step) => button.classList.toggle("now", step === now));
}

function follow() {
  if (!clock.running) return;
  let due = null;
  while (ahead.length && ahead[0].time <= player.context.currentTime) due = ahead.shift();
  if (due) {
    const pattern = playedPatterns()[due.bar] ?? state.pattern;
    mark(pattern === state.pattern ? due.step : -1);
    patternButtons.forEach((button, place) => button.classList.toggle("now", place === pattern));
  }
  requestAnimationFrame(follow);
}

/* The pad. */

let padAudio = null;
const padSound = () => betweenFour(state.corners, state.x, state.y);
const playPad = newest(async () => {
  padAudio = await generator.make(padSound());
  sound(padAudio);
  await new Promise((resolve) => setTimeout(resolve, PAD_PAUSE_MS));
});

function showPad() {
  element("dot").style.left = `${100 * state.x}%`;
  element("dot").style.top = `${100 * state.y}%`;
  const where = `${Math.round(100 * state.x)} % right, ${Math.round(100 * state.y)} % down`;
  element("pad-is").textContent = model.classes.length ? `${where}: ${named(padSound())}` : where;
}

function movePad(x, y) {
  change(() => Object.assign(state, { x: inRange(x, [0, 1]), y: inRange(y, [0, 1]) }));
  playPad();
}

/* Saving. */

function kitFiles() {
  const notes = voiceNotes(state, model), files = {}, regions = [];
  for (const [voice, audio] of audios.entries()) {
    const name = `${voice + 1}-${inFileName(named(state.voices[voice]))}.wav`;
    files[name] = wavFile(split(audio, model.channels), model.rate);
    const { level, pitch } = state.voices[voice];
    const volume = level ? (40 * Math.log10(level / 100)).toFixed(2) : -144, choked = HATS.includes(notes[voice]) ? " group=1 off_by=1" : "";
    regions.push(`<region> sample=${name} key=${notes[voice]} transpose=${pitch} volume=${volume}${choked}`);
  }
  files["kit.sfz"] = bytes([["<global> loop_mode=one_shot", ...regions, ""].join("\n")]);
  files["beat.mid"] = beatAsMidi();
  return files;
}

function beatAsMidi() {
  const notes = voiceNotes(state, model), ticks = (seconds) => Math.round((seconds * state.tempo * TICKS) / 60);
  const events = playedPatterns().flatMap((pattern, bar) =>
    state.voices.flatMap(({ muted, level }, voice) =>
      Array.from({ length: STEPS }, (_, step) => step)
        .filter((step) => !muted && isSet(pattern, voice, step))
        .map((step) => ({ tick: bar * 4 * TICKS + ticks(stepTime(step, state)), note: notes[voice], velocity: Math.max(1, Math.round(1.27 * level)) })),
    ),
  );
  return midiFile(events, state.tempo, playedPatterns().length * 4 * TICKS);
}

async function saveLoop() {
  const { channels, rate } = await rendered(model, beat());
  save(`${inFileName(model.run)}-${state.tempo}-bpm.wav`, wavFile(channels, rate), "audio/wav");
}

async function copyLink() {
  keep();
  try {
    await navigator.clipboard.writeText(location.href);
    tell("The link is copied.");
  } catch {
    tell("This browser does not let the page copy: take the link from the address bar.");
  }
}

/* The controls. */

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

function fromAddress() {
  const text = location.hash.slice(1);
  if (!text) return "";
  try {
    const { state: found, same } = readState(text, model);
    state = found;
    return same ? "" : "The link was made with another model: the beat is the same, the sounds are others.";
  } catch (problem) {
    return `The address holds a beat that cannot be played here (${problem.message}).`;
  }
}

window.addEventListener("hashchange", () => {
  const note = fromAddress();
  if (note) wrong(note);
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
  const note = fromAddress(), difference = await generator.load();
  show();
  await makeAll();
  if (!(difference <= SELF_TEST)) wrong(`The self-test failed: sounds made by this browser differ from the trainer's by ${difference}.`);
  else if (note) wrong(note);
  else tell(`Ready after ${((performance.now() - started) / 1000).toFixed(2)} s; the self-test differs from the trainer's sound by ${difference.toExponential(0)}.` + (generator.inPage ? " This browser starts no worker here, so the page stops for a moment while it makes a sound." : ""));
  element("main").inert = false;
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

begin().catch((problem) => wrong(`This page does not work here: ${problem.message}.`));
