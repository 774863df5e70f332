/** The beginning of a body as it may be shown, where `ui.bodies` asks for it: as text, with what is secret masked; of what is no text, what it is. */
import type { SeenHead } from "../pipeline/sight.js";
import { isSecretName } from "../telemetry/entry.js";
import type { MessageBody } from "./contract.js";
import { MASKED } from "./masks.js";

/** Besides tabs and line ends, no text has controls: an escape begins colours of a terminal. */
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f]/u;
/** Of a member of JSON its name, and what stands before its value. */
const NAME = /("(?:[^"\\]|\\.){1,100}")\s*:\s*/gu;
const STRING = /"(?:[^"\\]|\\.)*(?:"|\\?$)/uy;
const WORD = /[^\s"{}[\],]+/uy;

export function shownBody(
  beginning: Buffer | null,
  { head, bytes, ended }: { readonly head: SeenHead | null; readonly bytes: number; readonly ended: boolean },
): MessageBody | null {
  if (beginning === null) return null;
  const whole = ended && beginning.length >= bytes;
  const coding = valueOf(head, "content-encoding");
  if (coding !== "" && coding !== "identity") return { text: "", coding, bytes, whole };
  const text = textOf(beginning);
  if (text === null) return { text: "", coding: "binary", bytes, whole };
  const isForm = valueOf(head, "content-type").startsWith("application/x-www-form-urlencoded");
  return { text: isForm ? maskedForm(text) : maskedMembers(text), coding: null, bytes, whole };
}

/** Null for what is no UTF-8; a character may be cut off at its end. */
function textOf(bytes: Buffer): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
    return CONTROLS.test(text) ? null : text;
  } catch {
    return null;
  }
}

function valueOf(head: SeenHead | null, wanted: string): string {
  const field = head?.fields.find(([name]) => name.toLowerCase() === wanted);
  return (field?.[1] ?? "").trim().toLowerCase().slice(0, 40);
}

function maskedMembers(text: string): string {
  let masked = "";
  let from = 0;
  NAME.lastIndex = 0;
  for (let found = NAME.exec(text); found !== null; found = NAME.exec(text)) {
    if (!isSecretName(named(found[1] ?? ""))) continue;
    const end = endOfValue(text, NAME.lastIndex);
    masked += `${text.slice(from, NAME.lastIndex)}"${MASKED}"`;
    NAME.lastIndex = from = end;
  }
  return masked + text.slice(from);
}

/** Of a string, a word, or an array or object with all that is in it; the end of the text where it is cut off. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length;) {
    const character = text.charAt(at);
    if (character === "[" || character === "{") depth++;
    if (character === "]" || character === "}") depth--;
    const piece = character === '"' ? STRING : WORD;
    piece.lastIndex = at;
    at += piece.exec(text)?.[0].length ?? 1;
    if (depth <= 0) return at;
  }
  return text.length;
}

function named(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1);
  }
}

function maskedForm(text: string): string {
  return text
    .split("&")
    .map((pair) => {
      const at = pair.indexOf("=");
      if (at < 0) return pair;
      const name = pair.slice(0, at);
      return isSecretName(unescaped(name)) ? `${name}=${MASKED}` : pair;
    })
    .join("&");
}

function unescaped(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}
