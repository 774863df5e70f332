/** What all canvases of the lanes have in common: their size in pixels of the screen, dashes and frames. */

/** Nothing is changed, and so nothing wiped, where it has that size. */
export function fitCanvas(canvas: HTMLCanvasElement, width: number, height: number): void {
  const [across, down] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
  canvas.style.width = `${String(width)}px`;
  canvas.style.height = `${String(height)}px`;
}

/** In pixels of the page from here on. */
export function drawingOn(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
  const context = canvas.getContext("2d");
  context?.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  return context;
}

export function frame(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  context.fillRect(x, y, width, 1);
  context.fillRect(x, y + height - 1, width, 1);
  context.fillRect(x, y, 1, height);
  context.fillRect(x + width - 1, y, 1, height);
}

/** Down, with dashes that stay where they are when the part that is painted is another. */
export function dashed(
  context: CanvasRenderingContext2D,
  x: number,
  top: number,
  bottom: number,
  length: number,
): void {
  for (let y = top - (top % (length * 2)); y < bottom; y += length * 2)
    context.fillRect(Math.round(x), y, 1, length);
}
