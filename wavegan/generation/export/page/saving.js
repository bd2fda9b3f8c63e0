"use strict";

/* Saving: what the files hold. */

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
