/** Bodies of requests: read whole, within bounds, as UTF-8 text, whatever type they say they are. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { SquallError } from "../core/errors.js";
import { formatSize } from "../core/units.js";
import type { Account, Ledger } from "./ledger.js";

export interface BodyText {
  readonly text: string;
  /** Form data. What begins with `{` is not, whatever its type says: `curl -d` calls everything a form. */
  readonly form: boolean;
}

export const NO_BODY: BodyText = { text: "", form: false };

const FORM = "application/x-www-form-urlencoded";

/**
 * Rejects with a SquallError, or with ClientLeft when there is nobody to answer any more. Text "of any type" is
 * UTF-8 whatever its content type says.
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  { maxBytes, ledger }: { readonly maxBytes: number; readonly ledger: Ledger },
  what: "of its type" | "of any type" = "of its type",
): Promise<BodyText> {
  const type = what === "of any type" ? "" : (request.headers["content-type"] ?? "").toLowerCase();
  expectPlain(request, type);
  // node:http takes only digits here, so a length is a number.
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  if (waitsToGoOn(request)) response.writeContinue();
  const account = ledger.open(() => response.destroy());
  response.once("close", () => {
    account.close();
  });
  const text = decode(await readBytes(request, maxBytes, account));
  const form = type.split(";", 1)[0]?.trim() === FORM && !text.trimStart().startsWith("{");
  return { text, form };
}

/** Whether the client sends its body only when it is told to. */
export function waitsToGoOn(request: IncomingMessage): boolean {
  return /^100-continue$/iu.test(request.headers.expect ?? "");
}

function expectPlain(request: IncomingMessage, type: string): void {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new SquallError(
      "SQ_BAD_REQUEST",
      `bodies are taken as they are, not encoded as ${shortened(encoding)}`,
      {
        path: "content-encoding",
      },
    );
  }
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/u.exec(type)?.[1] ?? "utf-8";
  if (!["utf-8", "utf8", "us-ascii", "ascii"].includes(charset)) {
    throw new SquallError("SQ_BAD_REQUEST", `expected text in UTF-8, not in ${shortened(charset)}`, {
      path: "content-type",
    });
  }
}

function shortened(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

function tooLarge(maxBytes: number): SquallError {
  return new SquallError("SQ_TOO_LARGE", `the body is larger than ${formatSize(maxBytes)}`);
}

function readBytes(request: IncomingMessage, maxBytes: number, account: Account): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Copied together: a chunk of one byte would take a hundred.
    let bytes = Buffer.alloc(Math.min(maxBytes, 1_024));
    let length = 0;
    const done = (): void => {
      request.off("data", take).off("end", end).off("close", closed).off("error", closed);
    };
    const take = (chunk: Buffer): void => {
      const before = length;
      length += chunk.length;
      try {
        if (length > maxBytes) throw tooLarge(maxBytes);
        if (length > bytes.length) {
          const larger = Buffer.alloc(Math.min(maxBytes, Math.max(length, 2 * bytes.length)));
          account.set(larger.length);
          bytes.copy(larger, 0, 0, before);
          bytes = larger;
        }
        chunk.copy(bytes, before);
        account.moved();
      } catch (error) {
        done();
        // The rest is read and thrown away, until the time for a request is up: a client that is still
        // sending would lose the answer to a reset.
        request.on("error", () => undefined).resume();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const end = (): void => {
      done();
      resolve(bytes.subarray(0, length));
    };
    const closed = (): void => {
      done();
      request.on("error", () => undefined);
      reject(new ClientLeft());
    };
    request.on("data", take).on("end", end).on("close", closed).on("error", closed);
  });
}

/** Nobody is there to be answered any more. */
export class ClientLeft extends Error {
  override readonly name = "ClientLeft";
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new SquallError("SQ_BAD_REQUEST", "the body is not text in UTF-8");
  }
}
