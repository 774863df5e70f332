/** The audit: what the system says of itself, as JSON, when all is over. */
import { ASKED_ONCE, fetchAnyPort } from "../../core/any-port.js";
import { HarnessError } from "../contract/run.js";
import { reasonOf } from "./ready.js";

const AUDIT_MS = 10_000;
const AUDIT_MAX = 16 * 2 ** 20;

/** Throws HarnessError if it answers no JSON. */
export async function readAudit(url: string, signal: AbortSignal): Promise<unknown> {
  let text: string;
  let status: number;
  try {
    const response = await fetchAnyPort(url, {
      headers: { ...ASKED_ONCE, accept: "application/json" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(AUDIT_MS)]),
    });
    status = response.status;
    text = await bounded(response);
  } catch (error) {
    signal.throwIfAborted();
    throw new HarnessError(`the audit ${url} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
  if (status >= 400) throw new HarnessError(`the audit ${url} answers ${status}`);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new HarnessError(`the audit ${url} answers no JSON: ${JSON.stringify(text.slice(0, 80))}`);
  }
}

async function bounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    const bytes = part as Uint8Array;
    size += bytes.length;
    if (size > AUDIT_MAX) throw new Error(`it is larger than ${AUDIT_MAX / 2 ** 20}MiB`);
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString("utf8");
}
