/** Builds ClientHellos of any kind, wrong ones included, and cuts them into records. */

export type Extension = readonly [type: number, data: Buffer];

export interface HelloParts {
  readonly version?: number;
  readonly sessionId?: Buffer;
  readonly suites?: readonly number[];
  /** Null for a hello from before there were any. */
  readonly extensions?: readonly Extension[] | null;
  /** Bytes behind the extensions. */
  readonly behind?: Buffer;
}

export function number(value: number, bytes: number): Buffer {
  const out = Buffer.alloc(bytes);
  out.writeUIntBE(value, 0, bytes);
  return out;
}

export const vector = (lengthBytes: number, ...parts: readonly Buffer[]): Buffer => {
  const all = Buffer.concat(parts);
  return Buffer.concat([number(all.length, lengthBytes), all]);
};

export const serverName = (name: string | Buffer, type = 0): Extension => [
  0,
  vector(2, Buffer.concat([number(type, 1), vector(2, Buffer.from(name))])),
];
export const alpn = (...names: readonly string[]): Extension => [
  16,
  vector(2, ...names.map((name) => vector(1, Buffer.from(name, "latin1")))),
];
export const supportedVersions = (...versions: readonly number[]): Extension => [
  43,
  vector(1, ...versions.map((version) => number(version, 2))),
];

/** The handshake message. */
export function clientHello(parts: HelloParts = {}): Buffer {
  const { version = 0x0303, sessionId = Buffer.alloc(0), suites = [0x1301, 0xc02b], extensions = [] } = parts;
  const body = Buffer.concat([
    number(version, 2),
    Buffer.alloc(32, 7),
    vector(1, sessionId),
    vector(2, ...suites.map((suite) => number(suite, 2))),
    vector(1, Buffer.from([0])),
    ...(extensions === null
      ? []
      : [vector(2, ...extensions.flatMap(([type, data]) => [number(type, 2), vector(2, data)]))]),
    parts.behind ?? Buffer.alloc(0),
  ]);
  return Buffer.concat([Buffer.from([1]), vector(3, body)]);
}

/** One record, or one for each of these many bytes of the message and one for the rest. */
export function records(message: Buffer, ...sizes: readonly number[]): Buffer {
  const out: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, message.length]) {
    const part = message.subarray(at, at + size);
    at += part.length;
    if (part.length > 0) out.push(Buffer.from([22, 3, 1]), vector(2, part));
  }
  return Buffer.concat(out);
}
