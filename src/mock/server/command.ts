/** `squall mock-server`: runs the mock job server until the process is told to stop. */
import type { Millis } from "../../core/clock.js";
import { aborted, lifetime } from "../lifetime.js";
import type { ServerTls } from "./secure.js";
import { startMockServer, type MockServer } from "./server.js";

export interface MockServerCommandOptions {
  readonly port: number;
  readonly host?: string;
  readonly data?: string;
  readonly rateLimit?: number;
  readonly tokenTtl?: Millis;
  readonly lease?: Millis;
  readonly feed?: { readonly every: Millis } | undefined;
  readonly tls?: ServerTls;
  /** Prints `{"event":"listening","url":...}` instead of a sentence. */
  readonly json?: boolean;
}

export async function mockServerCommand({ json, ...options }: MockServerCommandOptions): Promise<void> {
  const { signal, end } = lifetime();
  try {
    const server = await startMockServer(options);
    process.stdout.write(json ? jsonOf(server, options.tls) : sentenceOf(server, options.tls));
    await aborted(signal);
    await server.close();
  } finally {
    end();
  }
}

function jsonOf({ url, port, caFile: ca }: MockServer, tls?: ServerTls): string {
  return `${JSON.stringify({ event: "listening", url, port, ...(tls && { ca }) })}\n`;
}

function sentenceOf({ url, caFile }: MockServer, tls?: ServerTls): string {
  const about = `mock job server on ${url}\n`;
  if (tls === undefined || tls.own !== undefined) return about;
  if (caFile !== null) return `${about}bots trust it with the CA in ${caFile}\n`;
  return `${about}its CA is in memory: --tls-ca-out FILE writes the certificate that bots must trust\n`;
}
