// Pictures: decoding, the resampling that the library uses (Pillow's, for bytes), and the network's input.

import {tensor} from './engine.js';

export const MEAN = [0.485, 0.456, 0.406], STD = [0.229, 0.224, 0.225];
export const PATTERNS = ['impulse', 'checkerboard', 'gradient', 'noise'];
const MOST = 4096;  // pixels of the longer side that are decoded; larger pictures are made smaller by the browser

/** A picture's upright pixels, {width, height, data: RGBA}, transparency on white. */
export async function decode(blob) {
  let image = await createImageBitmap(blob, {imageOrientation: 'from-image', colorSpaceConversion: 'none'});
  const longer = Math.max(image.width, image.height);
  if (longer > MOST) {
    const size = {resizeWidth: Math.max(1, Math.round(image.width * MOST / longer)), resizeHeight: Math.max(1, Math.round(image.height * MOST / longer))};
    image = await createImageBitmap(image, {...size, resizeQuality: 'high'});
  }
  const {width, height} = image, canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0);
  image.close();
  return context.getImageData(0, 0, width, height);
}

/** What each output pixel is made of, as whole numbers of 22 bits: a triangle as wide as what becomes one pixel. */
function weightsOf(from, to) {
  const scale = from / to, reach = Math.max(scale, 1), found = [];
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - reach + 0.5)), high = Math.min(from, Math.trunc(centre + reach + 0.5));
    const weights = [];
    for (let j = low; j < high; j++) weights.push(Math.max(0, 1 - Math.abs((j - centre + 0.5) / reach)));
    const sum = weights.reduce((all, w) => all + w, 0);
    found.push([low, weights.map(w => Math.trunc(0.5 + w / sum * (1 << 22)))]);
  }
  return found;
}

const clamp = n => n < 0 ? 0 : n > 255 ? 255 : n;

/** One line after another resampled. `at(line, i)` says where its pixels are; those `wanted` are written. */
function resampled(data, lines, taps, step, lineStep, out, outStep, outLineStep) {
  for (let line = 0; line < lines; line++) {
    taps.forEach(([low, weights], i) => {
      for (let c = 0; c < 3; c++) {
        let sum = 1 << 21, at = line * lineStep + low * step + c;
        for (let j = 0; j < weights.length; j++, at += step) sum += data[at] * weights[j];
        out[line * outLineStep + i * outStep + c] = clamp(sum >> 22);
      }
    });
  }
}

/** The central square of size × size pixels after the shorter side is made `resize` pixels: RGB bytes. */
export function square({width, height, data}, size, resize = Math.round(size * 256 / 224)) {
  const short = Math.min(width, height);
  // The longer side is truncated, not rounded: so do the published pipelines.
  const [w, h] = [width, height].map(n => n === short ? resize : Math.trunc(resize * n / short));
  // Python rounds halves to even numbers.
  const middle = n => { const half = (n - size) / 2; return half % 1 ? 2 * Math.round(half / 2) : half; };
  const [left, top] = [middle(w), middle(h)];
  const across = weightsOf(width, w).slice(left, left + size), down = weightsOf(height, h).slice(top, top + size);
  // Only the lines that are needed below, in their full width first, as Pillow does.
  const first = down[0][0], end = down[size - 1][0] + down[size - 1][1].length;
  const half = new Uint8Array((end - first) * size * 3), out = new Uint8Array(size * size * 3);
  resampled(data.subarray(first * width * 4), end - first, across, 4, width * 4, half, 3, size * 3);
  resampled(half, size, down.map(([low, weights]) => [low - first, weights]), size * 3, 3, out, size * 3, 3);
  return out;
}

/** A picture as a network's input, (3, size, size). */
export function toInput(picture, size, resize) {
  const bytes = square(picture, size, resize), x = tensor([3, size, size]), n = size * size;
  for (let c = 0; c < 3; c++) for (let i = 0; i < n; i++) x.data[c * n + i] = (bytes[3 * i + c] / 255 - MEAN[c]) / STD[c];
  return x;
}
