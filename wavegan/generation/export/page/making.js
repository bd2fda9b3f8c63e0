"use strict";

/* Making sounds, and their pictures: of the voices, the corners and the pad. */

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
