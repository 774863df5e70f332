/**
 * Whether what a client has sent looks like a whole request: who asks comes before who has only begun to. It decides nothing
 * but the order, since node:http reads the request: a wrong guess costs its client a turn, or others one.
 */

/** Heads that end behind so many bytes are not looked for: those of operators and of our own command are far smaller. */
const HEAD_MAX = 16 * 1_024;
const HEAD_END = "\r\n\r\n";
const CHUNKS_END = "0\r\n\r\n";

/** `pieces`: all that has come on a connection so far. */
export function looksWhole(pieces: readonly Buffer[]): boolean {
  const [first] = pieces;
  if (first === undefined) return false;
  const bytes = pieces.length === 1 ? first : Buffer.concat(pieces);
  const end = bytes.subarray(0, HEAD_MAX).indexOf(HEAD_END);
  if (end < 0) return false;
  const head = bytes.toString("latin1", 0, end);
  if (/^transfer-encoding:/imu.test(head)) return bytes.subarray(-CHUNKS_END.length).equals(LAST_CHUNK);
  const [, length = "0"] = /^content-length:[ \t]*(\d+)/imu.exec(head) ?? [];
  return bytes.length - end - HEAD_END.length >= Number(length);
}

const LAST_CHUNK = Buffer.from(CHUNKS_END);
