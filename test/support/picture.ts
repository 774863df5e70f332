/** PNG files as browsers make them, read to their pixels: 8 bits for each of 3 or 4 channels, not interlaced. */
import { inflateSync } from "node:zlib";

export type Colour = readonly [red: number, green: number, blue: number];

export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const SIGNATURE = "89504e470d0a1a0a";

export class Picture {
  /** The file it was read from. */
  readonly png: Buffer;
  readonly width: number;
  readonly height: number;
  readonly #channels: number;
  readonly #pixels: Uint8Array;

  private constructor(png: Buffer, width: number, height: number, channels: number, pixels: Uint8Array) {
    this.png = png;
    this.width = width;
    this.height = height;
    this.#channels = channels;
    this.#pixels = pixels;
  }

  static read(png: Buffer): Picture {
    if (png.subarray(0, 8).toString("hex") !== SIGNATURE) throw new Error("this is no PNG file");
    const data: Buffer[] = [];
    let [width, height, channels] = [0, 0, 0];
    for (let at = 8; at < png.length;) {
      const length = png.readUInt32BE(at);
      const type = png.toString("latin1", at + 4, at + 8);
      const body = png.subarray(at + 8, at + 8 + length);
      if (type === "IHDR") {
        [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
        const [depth, colour, , , interlaced] = body.subarray(8);
        if (depth !== 8 || (colour !== 2 && colour !== 6) || interlaced !== 0)
          throw new Error("a PNG file of another kind");
        channels = colour === 2 ? 3 : 4;
      } else if (type === "IDAT") data.push(body);
      at += 12 + length;
    }
    return new Picture(
      png,
      width,
      height,
      channels,
      unfiltered(inflateSync(Buffer.concat(data)), width, height, channels),
    );
  }

  at(x: number, y: number): Colour {
    const from = (Math.round(y) * this.width + Math.round(x)) * this.#channels;
    return [this.#pixels[from] ?? 0, this.#pixels[from + 1] ?? 0, this.#pixels[from + 2] ?? 0];
  }

  /** The share of a region's pixels that are about of this colour. */
  share({ x, y, width, height }: Region, colour: Colour, tolerance = 24): number {
    let [hits, all] = [0, 0];
    for (let row = Math.floor(y); row < Math.min(this.height, y + height); row++)
      for (let column = Math.floor(x); column < Math.min(this.width, x + width); column++) {
        all++;
        if (distance(this.at(column, row), colour) <= tolerance) hits++;
      }
    return all === 0 ? 0 : hits / all;
  }

  /** The colour that most pixels of a region have: its ground. */
  ground({ x, y, width, height }: Region): Colour {
    const counts = new Map<number, number>();
    for (let row = Math.floor(y); row < Math.min(this.height, y + height); row++)
      for (let column = Math.floor(x); column < Math.min(this.width, x + width); column++) {
        const [red, green, blue] = this.at(column, row);
        const key = (red << 16) | (green << 8) | blue;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    const [[most = 0] = []] = [...counts].sort(([, a], [, b]) => b - a);
    return [most >> 16, (most >> 8) & 255, most & 255];
  }
}

/** The largest difference of a channel. */
export function distance(one: Colour, other: Colour): number {
  return Math.max(...one.map((value, index) => Math.abs(value - (other[index] ?? 0))));
}

/** `#175b8f` or `rgb(23, 91, 143)`, as style sheets have it. */
export function colourOf(text: string): Colour {
  const hex = /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/iu.exec(text.trim());
  const numbers =
    hex === null
      ? (text.match(/[\d.]+/gu) ?? []).map(Number)
      : hex.slice(1).map((part) => parseInt(part, 16));
  const [red = 0, green = 0, blue = 0] = numbers;
  return [red, green, blue];
}

/** PNG (second edition), section 9: each line is told as differences to its neighbours. */
function unfiltered(raw: Buffer, width: number, height: number, channels: number): Uint8Array {
  const stride = width * channels;
  const pixels = new Uint8Array(stride * height);
  for (let row = 0; row < height; row++) {
    const filter = raw[row * (stride + 1)] ?? 0;
    const from = row * (stride + 1) + 1;
    const to = row * stride;
    for (let i = 0; i < stride; i++) {
      const left = i >= channels ? (pixels[to + i - channels] ?? 0) : 0;
      const up = row > 0 ? (pixels[to + i - stride] ?? 0) : 0;
      const corner = i >= channels && row > 0 ? (pixels[to + i - stride - channels] ?? 0) : 0;
      pixels[to + i] = (raw[from + i] ?? 0) + predicted(filter, left, up, corner);
    }
  }
  return pixels;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  if (filter !== 4) return 0;
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
