"use strict";

/* From latents to audio: the worker that computes, and where a browser has none, the page itself. */

class Generator {
  /* `fail` is called with an error that stops all. */
  constructor(model, source, fail) {
    this.model = model;
    this.waiting = new Map(); // number of a request: what takes its audio
    this.number = 0;
    this.inPage = false;
    try {
      const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      this.worker = new Worker(address);
      this.worker.onerror = (event) => fail(new Error(event.message || "the worker stopped"));
    } catch {
      this.inPage = true;
    }
  }

  /* Loads the weights; resolves with the difference from the trainer's sound. */
  load() {
    const { operations, test } = this.model;
    if (this.inPage) {
      this.network = new Network(operations);
      return Promise.resolve(this.network.difference(test));
    }
    return new Promise((resolve) => {
      this.worker.onmessage = ({ data }) => {
        this.worker.onmessage = ({ data }) => {
          this.waiting.get(data.number)(data.audio);
          this.waiting.delete(data.number);
        };
        resolve(data.difference);
      };
      this.worker.postMessage({ operations, test });
    });
  }

  /* The audio of a sound, [time, channels]. */
  make(sound) {
    if (this.inPage) return new Promise((resolve) => setTimeout(() => resolve(this.network.sound(given(sound)))));
    const number = this.number++;
    return new Promise((resolve) => {
      this.waiting.set(number, resolve);
      this.worker.postMessage({ number, given: given(sound) });
    });
  }
}

/* Calls `work` for the newest of what it is asked for while it works on something: a slider asks faster than it can. */
function newest(work) {
  let busy = null, next = null;
  return (...asked) => {
    next = asked;
    busy ??= (async () => {
      while (next) {
        const now = next;
        next = null;
        await work(...now);
      }
      busy = null;
    })();
    return busy;
  };
}
