/** `squall mock-server`: runs the mock job server until the process is told to stop. */
import type { Millis } from "../../core/clock.js";
import { aborted, lifetime } from "../lifetime.js";
import { startMockServer } from "./server.js";

export interface MockServerCommandOptions {
  readonly port: number;
  readonly host?: string;
  readonly data?: string;
  readonly rateLimit?: number;
  readonly tokenTtl?: Millis;
  readonly lease?: Millis;
  readonly feed?: { readonly every: Millis } | undefined;
  /** Prints `{"event":"listening","url":...}` instead of a sentence. */
  readonly json?: boolean;
}

export async function mockServerCommand({ json, ...options }: MockServerCommandOptions): Promise<void> {
  const { signal, end } = lifetime();
  try {
    const server = await startMockServer(options);
    const { url, port } = server;
    const line = json ? JSON.stringify({ event: "listening", url, port }) : `mock job server on ${url}`;
    process.stdout.write(`${line}\n`);
    await aborted(signal);
    await server.close();
  } finally {
    end();
  }
}
