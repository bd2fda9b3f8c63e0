"use strict";

/* Parts of the page that need no knowledge of the sounds: finding and making elements, sliders, the keyboard. */

const KEYS = ["KeyA", "KeyS", "KeyD", "KeyF", "KeyG", "KeyH", "KeyJ", "KeyK"]; // by their place, on any keyboard

const element = (id) => document.getElementById(id);

function press(button, down) {
  button.setAttribute("aria-pressed", String(down));
}

/* A copy of the template `id`, its only element. */
function copyOf(id) {
  return element(id).content.firstElementChild.cloneNode(true);
}

/* A slider with the words for its value beside it; `changed(value)` while it moves. Returns a function that sets it. */
function slider(id, words, changed) {
  const input = element(id), output = element(`${id}-is`);
  const show = () => {
    output.textContent = words(Number(input.value));
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    show();
    changed(Number(input.value));
  });
  show();
  return (value) => {
    input.value = value;
    show();
  };
}

/* Lets the arrow keys go from step to step in rows of buttons, of which Tab reaches one. */
function arrowKeys(container, rows) {
  rows.flat().forEach((button, place) => (button.tabIndex = place ? -1 : 0));
  const places = new Map(rows.flatMap((row, y) => row.map((button, x) => [button, [x, y]])));
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  container.addEventListener("keydown", (event) => {
    const place = places.get(event.target), move = moves[event.key];
    if (!place || !move) return;
    event.preventDefault();
    const y = (place[1] + move[1] + rows.length) % rows.length, row = rows[y];
    row[(place[0] + move[0] + row.length) % row.length].focus();
  });
  container.addEventListener("focusin", ({ target }) => {
    if (!places.has(target)) return;
    for (const button of places.keys()) button.tabIndex = button === target ? 0 : -1;
  });
}

/*
 * Keys that act wherever the focus is: {code: function}. A control that was reached by the keyboard keeps its own space
 * bar; one that was clicked lets it through.
 */
function keyboard(actions) {
  let pointed = false; // whether the focus is where the mouse or a finger put it
  const own = ({ code }) => code === "Space" && !pointed && document.activeElement.matches("button, select, summary");
  document.addEventListener("pointerdown", () => (pointed = true), true);
  document.addEventListener("keydown", (event) => {
    if (/^(Tab|Arrow)/.test(event.code)) pointed = false;
    const act = actions[event.code];
    if (!act || event.ctrlKey || event.metaKey || event.altKey || own(event)) return;
    if (document.activeElement.matches("select") && event.code !== "Space") return; // letters choose there
    event.preventDefault();
    if (!event.repeat) act();
  });
  document.addEventListener("keyup", (event) => {
    if (event.code === "Space" && !own(event)) event.preventDefault(); // Firefox clicks then
  });
}

/* Notes of all MIDI inputs, also of those that are plugged in later: `played(note, velocity 0 to 1, channel 1 to 16)`. */
async function midiInput(played) {
  const access = await navigator.requestMIDIAccess();
  const listen = () => {
    for (const input of access.inputs.values()) {
      input.onmidimessage = ({ data: [status, note, velocity] }) => {
        if (status >> 4 === 9 && velocity) played(note, velocity / 127, (status & 15) + 1);
      };
    }
  };
  access.onstatechange = listen;
  listen();
  return access;
}
