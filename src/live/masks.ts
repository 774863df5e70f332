/** Heads as they may be shown: what is secret is masked, and what is too long is left out. */
import { isSecretName } from "../telemetry/entry.js";
import type { SeenHead } from "../pipeline/sight.js";
import type { MessageHead } from "./contract.js";
import { FIELDS_MAX, HEAD_MAX, TEXT_MAX } from "./limits.js";

export const MASKED = "(masked)";

/** Fields whose whole value is a secret, whatever their name looks like. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "www-authenticate",
  "proxy-authenticate",
  "authentication-info",
  "x-forwarded-client-cert",
]);

export function isSecretField(name: string): boolean {
  return SECRET_FIELDS.has(name.toLowerCase()) || isSecretName(name);
}

/** The name and the value of each parameter that may hold a secret is known by its name. */
function maskedTarget(target: string): string {
  const mark = target.indexOf("?");
  if (mark < 0) return target;
  const query = target
    .slice(mark + 1)
    .split("&")
    .map((pair) => {
      const [name = ""] = pair.split("=", 1);
      return name.length < pair.length && isSecretName(decoded(name)) ? `${name}=${MASKED}` : pair;
    });
  return `${target.slice(0, mark)}?${query.join("&")}`;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** The user's name and password before a host, as an absolute target may have them. */
function withoutUser(target: string): string {
  return target.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]*@/iu, `$1${MASKED}@`);
}

export function maskedLine(line: string): string {
  if (line.startsWith("HTTP/")) return shortened(line);
  const [method = "", target = "", ...rest] = line.split(" ");
  return shortened([method, withoutUser(maskedTarget(target)), ...rest].join(" "));
}

export function shortened(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
}

export function shownHead({ line, fields }: SeenHead, body: MessageHead["body"]): MessageHead {
  const shown: [string, string][] = [];
  let room = HEAD_MAX;
  for (const [name, value] of fields) {
    const field: [string, string] = [shortened(name), isSecretField(name) ? MASKED : shortened(value)];
    room -= field[0].length + field[1].length;
    if (room < 0 || shown.length >= FIELDS_MAX) break;
    shown.push(field);
  }
  return { line: maskedLine(line), fields: shown, more: fields.length - shown.length, body };
}

/** A head as it was written, which Squall wrote itself: lines with CRLF, one character for each byte. */
export function headOf(bytes: Buffer): SeenHead {
  const [line = "", ...lines] = bytes.toString("latin1").split("\r\n");
  const fields = lines.flatMap((field): (readonly [string, string])[] => {
    const colon = field.indexOf(":");
    return colon <= 0 ? [] : [[field.slice(0, colon), field.slice(colon + 1).trim()]];
  });
  return { line, fields };
}

/** Names of the fields that differ, in lower case, and `line` for the first line. */
export function changedBetween(before: SeenHead, after: SeenHead): string[] {
  const changed = new Set<string>();
  if (before.line !== after.line) changed.add("line");
  const first = byName(before);
  const second = byName(after);
  for (const name of new Set([...first.keys(), ...second.keys()]))
    if (first.get(name) !== second.get(name)) changed.add(shortened(name));
  return [...changed];
}

function byName({ fields }: SeenHead): Map<string, string> {
  const names = new Map<string, string>();
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    const before = names.get(lower);
    names.set(lower, before === undefined ? value : `${before}\n${value}`);
  }
  return names;
}
