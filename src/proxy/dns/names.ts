/** Domain names between the wire and text (RFC 1035, section 5.1): `jobs.example`, with `\.` and `\032` for odd bytes. */

const DOT = 0x2e;
const BACKSLASH = 0x5c;

/** The name at `start`, which has no pointers and has been checked: in lower case, without the last dot. */
export function textOfName(message: Buffer, start: number): string {
  let text = "";
  let at = start;
  for (;;) {
    const length = message[at] ?? 0;
    if (length === 0) return text;
    if (text !== "") text += ".";
    text += textOfLabel(message, at + 1, at + 1 + length);
    at += 1 + length;
  }
}

function textOfLabel(message: Buffer, start: number, end: number): string {
  let plain = true;
  for (let at = start; at < end && plain; at++) plain = isPlain(message[at] ?? 0);
  if (plain) return message.toString("latin1", start, end).toLowerCase();
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = message[at] ?? 0;
    if (isPlain(byte)) text += String.fromCharCode(byte).toLowerCase();
    else if (byte === DOT || byte === BACKSLASH) text += `\\${String.fromCharCode(byte)}`;
    else text += `\\${String(byte).padStart(3, "0")}`;
  }
  return text;
}

function isPlain(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && byte !== DOT && byte !== BACKSLASH;
}

/** On the wire, without pointers. Null for what is no name: an empty or long label, more than 255 bytes. */
export function bytesOfName(text: string): Buffer | null {
  const labels: number[][] = [[]];
  const absolute = text.endsWith(".") && !text.endsWith("\\.") ? text.slice(0, -1) : text;
  if (absolute === "") return Buffer.from([0]);
  for (const [token, escaped] of absolute.matchAll(/\\(\d{3}|[\s\S])|[\s\S]/gu)) {
    if (token === ".") {
      labels.push([]);
      continue;
    }
    const byte =
      escaped === undefined
        ? (token.codePointAt(0) ?? 0)
        : /^\d{3}$/u.test(escaped)
          ? Number(escaped)
          : (escaped.codePointAt(0) ?? 0);
    if (byte > 255) return null;
    labels.at(-1)?.push(byte);
  }
  if (labels.some(({ length }) => length === 0 || length > 63)) return null;
  const bytes = Buffer.from([...labels.flatMap((label) => [label.length, ...label]), 0]);
  return bytes.length > 255 ? null : bytes;
}
