/** PNG files as browsers make them, read to their pixels: 8 bits for each of 3 or 4 channels, not interlaced. */
import { crc32, deflateSync, inflateSync } from "node:zlib";

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

  /** The same as a PNG file with 256 colours at most: those that most pixels have, and for all others the nearest of them. */
  small(): Buffer {
    const counts = new Map<number, number>();
    const keys = new Uint32Array(this.width * this.height);
    for (let index = 0; index < keys.length; index++) {
      const [red, green, blue] = this.at(index % this.width, Math.floor(index / this.width));
      const key = (red << 16) | (green << 8) | blue;
      keys[index] = key;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    // Shades that hardly differ count as one, so that there is room for what is small and has a colour of its own.
    const shades = new Map<number, { readonly key: number; readonly count: number; all: number }>();
    for (const [key, count] of counts) {
      const known = shades.get(key & 0xf0f0f0);
      if (known === undefined || count > known.count)
        shades.set(key & 0xf0f0f0, { key, count, all: count + (known?.all ?? 0) });
      else known.all += count;
    }
    const exact = [...counts].sort(([, a], [, b]) => b - a).slice(0, 64);
    const others = [...shades.values()].sort((a, b) => b.all - a.all);
    const palette = [...new Set([...exact.map(([key]) => key), ...others.map(({ key }) => key)])].slice(
      0,
      256,
    );
    const places = new Map(palette.map((key, place) => [key, place]));
    const rows = Buffer.alloc(this.height * (this.width + 1));
    for (const [index, key] of keys.entries()) {
      const place = places.get(key) ?? nearest(palette, key);
      places.set(key, place);
      rows[Math.floor(index / this.width) * (this.width + 1) + 1 + (index % this.width)] = place;
    }
    const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 3, 0, 0, 0]);
    head.writeUInt32BE(this.width, 0);
    head.writeUInt32BE(this.height, 4);
    return Buffer.concat([
      Buffer.from(SIGNATURE, "hex"),
      chunk("IHDR", head),
      chunk("PLTE", Buffer.from(palette.flatMap((key) => [key >> 16, (key >> 8) & 255, key & 255]))),
      chunk("IDAT", deflateSync(rows, { level: 9 })),
      chunk("IEND", Buffer.alloc(0)),
    ]);
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

function nearest(palette: readonly number[], key: number): number {
  let [best, least] = [0, Infinity];
  for (const [place, other] of palette.entries()) {
    const away =
      ((key >> 16) - (other >> 16)) ** 2 +
      (((key >> 8) & 255) - ((other >> 8) & 255)) ** 2 +
      ((key & 255) - (other & 255)) ** 2;
    if (away < least) [best, least] = [place, away];
  }
  return best;
}

/** PNG (second edition), section 5.3. */
function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}
