"use strict";

/* Playing: what the voices are hit with, the beat, and where it is. */

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
  else mark(-1, -1);
}

function mark(step, pattern) {
  const shown = pattern === state.pattern;
  for (const { steps } of rows) steps.forEach((button, place) => button.classList.toggle("now", shown && place === step));
  patternButtons.forEach((button, place) => button.classList.toggle("now", place === pattern));
}

function follow() {
  if (!clock.running) return;
  let due = null;
  while (ahead.length && ahead[0].time <= player.context.currentTime) due = ahead.shift();
  if (due) mark(due.step, playedPatterns()[due.bar] ?? state.pattern);
  requestAnimationFrame(follow);
}
