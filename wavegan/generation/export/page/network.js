"use strict";

/*
 * The generator: from a latent and class weights to audio, in plain loops over Float32Array.
 *
 * The page's worker is made of this text; where a browser has no workers, the page calls it itself. A model is a list of
 * operations, as wavegan/models/portable.py describes them. Feature maps lie as [time, channels].
 */

/* Numbers of a type, such as Int16Array, from base64. */
function decoded(base64, Type) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
  return new Type(bytes.buffer);
}

/* The weights of an array whose whole numbers have one scale for each place of its last axis. */
function unpacked({ shape, values, scales }) {
  const whole = decoded(values, Int16Array), scale = decoded(scales, Float32Array);
  const weights = new Float32Array(whole.length), last = scale.length;
  for (let place = 0; place < whole.length; place++) weights[place] = whole[place] * scale[place % last];
  return { shape, weights };
}

/* Adds the sum of values[i] · weights[rows[i] …] to out[at …], `width` numbers, four rows at a time. */
function addRows(out, at, width, weights, values, rows, count) {
  let i = 0;
  for (; i + 3 < count; i += 4) {
    const a = values[i], b = values[i + 1], c = values[i + 2], d = values[i + 3];
    let p = rows[i], q = rows[i + 1], r = rows[i + 2], s = rows[i + 3];
    for (let n = at, end = at + width; n < end; n++) {
      out[n] += a * weights[p++] + b * weights[q++] + c * weights[r++] + d * weights[s++];
    }
  }
  for (; i < count; i++) {
    const a = values[i];
    let p = rows[i];
    for (let n = at, end = at + width; n < end; n++) out[n] += a * weights[p++];
  }
}

/* given · kernel + bias, for a kernel [given, width]. */
function dense(given, kernel, bias) {
  const width = bias.length, out = Float32Array.from(bias);
  const rows = Int32Array.from(given, (_, place) => place * width);
  addRows(out, 0, width, kernel, given, rows, given.length);
  return out;
}

/* Each channel of x gets the gain 1 + g and the bias b, where [g, b] are what `dense` makes of what is given. */
function modulate(x, given, kernel, bias) {
  const both = dense(given, kernel, bias), channels = both.length / 2;
  for (let place = 0; place < x.length; place++) {
    const channel = place % channels;
    x[place] = x[place] * (1 + both[channel]) + both[channels + channel];
  }
}

/* A gain of the whole sound, the exponential of one dense product. */
function amplify(x, given, kernel, bias) {
  const gain = Math.exp(dense(given, kernel, bias)[0]);
  for (let place = 0; place < x.length; place++) x[place] *= gain;
}

/*
 * The kernel [taps, channels, filters] of a transposed convolution, phase by phase: [steps, channels, stride · filters].
 * With stride s and the left padding p of "same", y[s·m + r] = Σ_u x[m - u] · kernel[s·u + r + p], u from `first` on.
 */
function phases(kernel, [taps, channels, filters], stride) {
  const padding = Math.floor((taps - stride) / 2);
  const first = Math.ceil((1 - padding - stride) / stride), last = Math.floor((taps - 1 - padding) / stride);
  const width = stride * filters, weights = new Float32Array((last - first + 1) * channels * width);
  for (let u = first; u <= last; u++) {
    for (let r = 0; r < stride; r++) {
      const tap = stride * u + r + padding;
      if (tap < 0 || tap >= taps) continue;
      for (let c = 0; c < channels; c++) {
        const from = (tap * channels + c) * filters, to = ((u - first) * channels + c) * width + r * filters;
        weights.set(kernel.subarray(from, from + filters), to);
      }
    }
  }
  return { weights, first, last, channels, width };
}

/* The transposed convolution of x, as `phases` has it. Zeros, of which a ReLU makes many, cost nothing. */
function upsample(x, { weights, first, last, channels, width }, bias) {
  const time = x.length / channels, out = new Float32Array(time * width);
  const most = (last - first + 1) * channels, values = new Float32Array(most), rows = new Int32Array(most);
  for (let m = 0; m < time; m++) {
    for (let n = 0; n < width; n++) out[m * width + n] = bias[n % bias.length];
    let count = 0;
    for (let u = first; u <= last; u++) {
      const at = m - u;
      if (at < 0 || at >= time) continue;
      for (let c = 0; c < channels; c++) {
        const value = x[at * channels + c];
        if (value === 0) continue;
        values[count] = value;
        rows[count++] = ((u - first) * channels + c) * width;
      }
    }
    addRows(out, m * width, width, weights, values, rows, count);
  }
  return out;
}

class Network {
  /* `operations`: [{kind, stride, arrays}], arrays as `unpacked` takes them. */
  constructor(operations) {
    this.operations = operations.map(({ kind, stride, arrays = [] }) => {
      const [kernel, bias] = arrays.map(unpacked);
      if (kind !== "upsample") return { kind, kernel: kernel?.weights, bias: bias?.weights };
      return { kind, kernel: phases(kernel.weights, kernel.shape, stride), bias: bias.weights };
    });
  }

  /* Audio, [time, channels] in (-1, 1), of a latent with the class weights behind it. */
  sound(given) {
    let x = given;
    for (const { kind, kernel, bias } of this.operations) {
      if (kind === "dense") x = dense(x, kernel, bias);
      else if (kind === "modulation") modulate(x, given, kernel, bias);
      else if (kind === "gain") amplify(x, given, kernel, bias);
      else if (kind === "relu") for (let place = 0; place < x.length; place++) x[place] = Math.max(0, x[place]);
      else if (kind === "upsample") x = upsample(x, kernel, bias);
      else if (kind === "tanh") x = x.map(Math.tanh);
      else throw new Error(`an operation that this page does not know: ${kind}`);
    }
    return x;
  }

  /* The largest difference between the sound that the trainer made of a latent and the one that is made of it here. */
  difference({ given, sound }) {
    const theirs = decoded(sound, Int16Array), mine = this.sound(decoded(given, Float32Array));
    return theirs.reduce((most, value, place) => Math.max(most, Math.abs(value / 32768 - mine[place])), 0);
  }
}

if (typeof WorkerGlobalScope !== "undefined") {
  let network;
  self.onmessage = ({ data }) => {
    if (data.operations) {
      network = new Network(data.operations);
      self.postMessage({ difference: network.difference(data.test) });
    } else {
      const audio = network.sound(data.given);
      self.postMessage({ number: data.number, audio }, [audio.buffer]);
    }
  };
}
