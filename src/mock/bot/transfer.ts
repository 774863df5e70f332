/**
 * Large bodies: payloads that come and artifacts that go, by way of files. What has arrived is not sent again
 * after an interruption, and nothing counts as arrived before its digest is right.
 */
import { createReadStream } from "node:fs";
import type { Millis } from "../../core/clock.js";
import type { Bytes } from "../../core/units.js";
import type { CallName, Report } from "./events.js";
import type { Exchanger } from "./exchange.js";
import type { Flaws } from "./flaws.js";
import { digestOfFile, sizeOf, writeFrom } from "./scratch.js";
import type { Session } from "./session.js";
import { Refused, Trouble } from "./trouble.js";

export interface TransferOptions {
  readonly session: Session;
  readonly report: Report;
  readonly flaws: Flaws;
  readonly job: string;
  readonly leaseId: string;
  /** How long nothing may move. */
  readonly requestTimeout: Millis;
  readonly signal: AbortSignal;
}

/** What the server says of a body, or we do. */
export interface BodyAccount {
  readonly bytes: Bytes;
  /** `sha-256=<base64>`. */
  readonly digest: string;
}

export class Transfer {
  readonly #options: TransferOptions;
  readonly #exchanger: Exchanger;
  readonly #jobPath: string;

  constructor(options: TransferOptions) {
    this.#options = options;
    this.#exchanger = options.session.exchanger;
    this.#jobPath = `v1/jobs/${encodeURIComponent(options.job)}`;
  }

  /** Fetches the payload into a file. */
  async download(expected: BodyAccount, file: string): Promise<void> {
    const { job, report } = this.#options;
    let received = 0;
    await this.#errand("payload", async (authorization) => {
      await this.#fetchRest(file, expected, authorization, (bytes) => (received += bytes));
      await this.#check(file, expected);
    });
    report({ event: "downloaded", job, bytes: await sizeOf(file), received });
  }

  /** Sends a file as an artifact, and gives what the server now has. */
  async upload(name: string, file: string): Promise<BodyAccount> {
    const { job, report } = this.#options;
    const account = { bytes: await sizeOf(file), digest: await digestOfFile(file) };
    const path = `${this.#jobPath}/artifacts/${encodeURIComponent(name)}`;
    let attempts = 0;
    let start: Bytes | "all" = 0;
    await this.#errand("artifact", async (authorization) => {
      if (attempts++ > 0) start = await this.#arrived(path, account, authorization);
      if (start === "all") return;
      await this.#put(path, account, start, createReadStream(file, { start }), authorization);
    });
    const { bytes } = account;
    report({ event: "uploaded", job, artifact: name, bytes, attempts, resumed_from: start });
    return account;
  }

  #errand<T>(name: CallName, attemptOnce: (authorization: string) => Promise<T>): Promise<T> {
    return this.#options.session.errand({ name, signal: this.#options.signal }, attemptOnce);
  }

  /** Asks for what is not here yet. */
  async #fetchRest(
    file: string,
    { bytes }: BodyAccount,
    authorization: string,
    came: (bytes: Bytes) => void,
  ): Promise<void> {
    const had = await sizeOf(file);
    if (had === bytes && had > 0) return;
    const { requestTimeout: timeout, signal } = this.#options;
    const path = `${this.#jobPath}/payload`;
    const headers = { authorization, ...(had > 0 && { range: `bytes=${had}-` }) };
    const question = { method: "GET", path, headers, timeout, signal } as const;
    await this.#exchanger.exchange(question, async (answer, body) => {
      const { statusCode: status = 0, headers } = answer;
      if (status === 206 && headers["content-range"]?.startsWith(`bytes ${had}-`))
        return writeFrom(file, had, body, came);
      // A server that knows no ranges sends all of it again.
      if (status === 200) return writeFrom(file, 0, body, came);
      let text = "";
      for await (const chunk of body) text += chunk.toString();
      this.#exchanger.judged({ status, headers, text });
      throw new Trouble(`${status} is no answer to a question for a payload`);
    });
  }

  async #check(file: string, { bytes, digest }: BodyAccount): Promise<void> {
    // flaw trusts-short-bodies: what came is the payload.
    if (this.#options.flaws.has("trusts-short-bodies")) return;
    const size = await sizeOf(file);
    if (size < bytes) throw new Trouble(`${size} of ${bytes} bytes of the payload came`);
    if ((await digestOfFile(file)) === digest) return;
    // Nobody knows which byte is wrong, so all of them are fetched again.
    await writeFrom(file, 0, nothing());
    throw new Trouble("the payload has another digest than it should");
  }

  /** How much of an interrupted upload the server has; all, if it was only the answer that got lost. */
  async #arrived(
    path: string,
    { bytes, digest }: BodyAccount,
    authorization: string,
  ): Promise<Bytes | "all"> {
    // flaw restart-from-zero: what has arrived is sent again.
    if (this.#options.flaws.has("restart-from-zero")) return 0;
    const { requestTimeout: timeout, signal } = this.#options;
    const question = { method: "HEAD", path, headers: { authorization }, timeout, signal } as const;
    const { status, headers } = await this.#exchanger.ask(question);
    if (status === 401) throw new Refused(status, "401: not authorized");
    if (status === 404) return 0;
    if (status !== 200) throw new Trouble(`${status} to the question how much of the upload has arrived`);
    if (headers["upload-complete"] === "?1") return headers["digest"] === digest ? "all" : 0;
    const offset = Number(headers["upload-offset"] ?? 0);
    return Number.isSafeInteger(offset) && offset >= 0 && offset < bytes ? offset : 0;
  }

  async #put(
    path: string,
    { bytes, digest }: BodyAccount,
    start: Bytes,
    body: ReturnType<typeof createReadStream>,
    authorization: string,
  ): Promise<void> {
    const { leaseId, requestTimeout: timeout, signal } = this.#options;
    const headers = {
      authorization,
      digest,
      "content-type": "application/octet-stream",
      "content-length": bytes - start,
      ...(start > 0 && { "content-range": `bytes ${start}-${bytes - 1}/${bytes}` }),
    };
    const target = `${path}?lease_id=${encodeURIComponent(leaseId)}`;
    const question = { method: "PUT", path: target, headers, body, timeout, signal } as const;
    const answer = await this.#exchanger.ask(question);
    try {
      this.#exchanger.judged(answer);
    } catch (error) {
      // It begins at another byte than the server expects, or was corrupted on the way: worth another try.
      const again = error instanceof Refused && (error.status === 416 || error.status === 422);
      throw again ? new Trouble(error.message) : error;
    }
    if (answer.status === 202) throw new Trouble("the upload has arrived in part only");
  }
}

async function* nothing(): AsyncGenerator<Buffer> {
  yield* [];
}
