// Pixels on canvases: tiles side by side, and one map large.

function painter(model) {
  const colours = tables(model);

  /** n tiles in rows, each value k × k pixels. */
  function paint(canvas, tiles, {k, columns, rows}, n, [h, w], table, ratio) {
    const step = [h * k + 1, w * k + 1], width = columns * step[1] + 1, height = rows * step[0] + 1;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
    canvas.style.width = `${width / ratio}px`;
    canvas.style.height = `${height / ratio}px`;
    const context = canvas.getContext('2d'), image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < n; i++) {
      let from = i * h * w;
      const top = Math.floor(i / columns) * step[0] + 1, left = i % columns * step[1] + 1;
      for (let y = 0; y < h; y++) {
        const start = (top + y * k) * width + left;
        if (k === 1) {
          for (let x = 0; x < w; x++) pixels[start + x] = table[tiles[from++]];
        } else {
          for (let x = 0, to = start; x < w; x++) for (const colour = table[tiles[from++]], end = to + k; to < end;) pixels[to++] = colour;
          for (let again = 1; again < k; again++) pixels.copyWithin(start + again * width, start, start + w * k);
        }
      }
    }
    context.putImageData(image, 0, 0);
  }

  /** One map as large as `room` allows in whole pixels, with frames, each [top, bottom, left, right, colour], and rings
   *  around values, each [row, column]. */
  function big(canvas, tile, side, signed, room, frames, rings = []) {
    const ratio = window.devicePixelRatio || 1, [h, w] = side;
    const k = Math.max(1, Math.floor(room * ratio / (Math.max(h, w) + 2)));
    paint(canvas, tile, {k, columns: 1, rows: 1}, 1, side, colours[signed ? 1 : 0], ratio);
    strokes(canvas.getContext('2d'), k, frames, rings, 1);
  }

  function strokes(context, k, frames, rings, edge) {
    const both = draw => {
      for (const [light, thick] of [[true, 4], [false, 2]]) { context.lineWidth = thick; draw(light); }
    };
    for (const [top, bottom, left, right, colour = '#d55e00'] of frames) both(light => {
      context.strokeStyle = light ? '#fff' : colour;
      context.strokeRect(left * k + edge, top * k + edge, (right - left) * k, (bottom - top) * k);
    });
    for (const [row, column] of rings) both(light => {
      context.strokeStyle = light ? '#fff' : '#000';
      context.beginPath();
      context.arc((column + .5) * k + edge, (row + .5) * k + edge, 5, 0, 7);
      context.stroke();
    });
  }
  return {colours, paint, big, strokes};
}
