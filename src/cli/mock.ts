/** The commands of the job world that are no bots: the mock job server, and the load that is put on it. */
import type { Command } from "commander";
import { SquallError } from "../core/errors.js";
import { parseSize } from "../core/units.js";
import type { ServerTls } from "../mock/server/secure.js";
import { UnreadableTls } from "../mock/tls/unreadable.js";
import { clientTlsOf, unreadableTls, withClientTls, type ClientTlsFlags } from "./client-tls.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { listenFailure } from "./listen-failure.js";
import { durationOption, numberOption } from "./options.js";
import { reasonOf } from "./reason.js";

interface MockServerOptions {
  readonly port: string;
  readonly host?: string;
  readonly data?: string;
  readonly tokenTtl?: string;
  readonly lease?: string;
  readonly rateLimit?: string;
  readonly feed?: string;
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCaOut?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly json?: boolean;
}

export function addMockServer(program: Command): void {
  program
    .command("mock-server")
    .description("run the mock job server")
    .option("--port <port>", "port to listen on", "3000")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--data <folder>", "where jobs outlive the server; without it, nowhere")
    .option("--token-ttl <duration>", "how long a bot's token lives", "1h")
    .option("--lease <duration>", "how long a lease lasts without a heartbeat", "30s")
    .option("--rate-limit <n>", "calls a second for each bot; more are answered 429")
    .option("--feed <every>", "submit a small job of its own that often")
    .option("--tls", "speak TLS, with a CA in memory if no other option says otherwise")
    .option("--tls-ca <folder>", "the folder of the CA, made at first need")
    .option("--tls-ca-out <file>", "where to write the CA's certificate, for bots")
    .option("--tls-cert <file>", "a certificate of your own, with --tls-key")
    .option("--tls-key <file>", "its private key")
    .option("--tls-client-ca <file>", "the CA of bots, which must show a certificate then")
    .option("--json", "print JSON")
    .action(
      async ({ port, host, data, tokenTtl, lease, rateLimit, feed, json, ...rest }: MockServerOptions) => {
        const tls = serverTls(rest);
        const token = durationOption("token-ttl", tokenTtl);
        const leaseFor = durationOption("lease", lease);
        const every = durationOption("feed", feed);
        const { mockServerCommand } = await import("../mock/server/command.js");
        const number = numberOption("port", port, 65_535);
        await mockServerCommand({
          port: number,
          ...(host === undefined ? {} : { host }),
          ...(data === undefined ? {} : { data }),
          ...(token === undefined ? {} : { tokenTtl: token }),
          ...(leaseFor === undefined ? {} : { lease: leaseFor }),
          ...(rateLimit === undefined ? {} : { rateLimit: positive("rate-limit", rateLimit, 1_000_000) }),
          ...(every === undefined ? {} : { feed: { every } }),
          ...(tls === null ? {} : { tls }),
          json: json === true,
        }).catch(async (error: unknown) => {
          if (tls !== null && isAboutTls(error)) return unreadableTls(error, SERVER_TLS_NAMES);
          if (!(error instanceof Error) || data === undefined || isAboutPort(error))
            throw await listenFailure(error, host ?? "127.0.0.1", number);
          throw new CommandError(EXIT.failed, `--data: jobs cannot be kept in ${data}: ${reasonOf(error)}`);
        });
      },
    );
}

/** What is given of them says that TLS is spoken; null if nothing is. */
function serverTls({ tls, tlsCa, tlsCaOut, tlsCert, tlsKey, tlsClientCa }: ServerTlsFlags): ServerTls | null {
  if (tls !== true && [tlsCa, tlsCaOut, tlsCert, tlsKey, tlsClientCa].every((one) => one === undefined))
    return null;
  const wrong = (name: string, what: string): CommandError =>
    new CommandError(EXIT.usage, `--${name}: ${what}`);
  if (tlsCert !== undefined && tlsKey === undefined) throw wrong("tls-cert", "it needs --tls-key");
  if (tlsKey !== undefined && tlsCert === undefined) throw wrong("tls-key", "it needs --tls-cert");
  const unused = tlsCa !== undefined ? "tls-ca" : tlsCaOut !== undefined ? "tls-ca-out" : null;
  if (tlsCert !== undefined && unused !== null)
    throw wrong(unused, "no CA is needed where --tls-cert says what is shown");
  return {
    ...(tlsCert === undefined || tlsKey === undefined ? {} : { own: { cert: tlsCert, key: tlsKey } }),
    ...(tlsCa === undefined ? {} : { ca: tlsCa }),
    ...(tlsCaOut === undefined ? {} : { caOut: tlsCaOut }),
    ...(tlsClientCa === undefined ? {} : { clientCa: tlsClientCa }),
  };
}

type ServerTlsFlags = Pick<
  MockServerOptions,
  "tls" | "tlsCa" | "tlsCaOut" | "tlsCert" | "tlsKey" | "tlsClientCa"
>;

const SERVER_TLS_NAMES = {
  cert: "tls-cert",
  key: "tls-key",
  clientCa: "tls-client-ca",
  caOut: "tls-ca-out",
} as const;

function isAboutTls(error: unknown): boolean {
  return error instanceof UnreadableTls || error instanceof SquallError;
}

function isAboutPort({ syscall }: NodeJS.ErrnoException): boolean {
  return syscall === "listen" || syscall === "bind" || syscall === "getaddrinfo";
}

interface LoadOptions extends ClientTlsFlags {
  readonly server: string;
  readonly jobs: string;
  readonly size: string;
  readonly duration: string;
  readonly depth: string;
  readonly fanout: string;
  readonly type: string;
  readonly concurrency: string;
  readonly timeout: string;
  readonly json?: boolean;
}

export function addLoad(program: Command, io: Io): void {
  withClientTls(program.command("load"))
    .description("submit many jobs, wait for the bots, and check the audit: none lost, none completed twice")
    .requiredOption("--server <url>", "the job server, or Squall in front of it")
    .option("--jobs <n>", "how many", "100")
    .option("--size <size>", "the payload of each, such as 64KiB", "0")
    .option("--duration <duration>", "how long a bot should work on each", "100ms")
    .option("--depth <n>", "jobs in the longest chain of dependencies", "1")
    .option("--fanout <n>", "jobs that wait for each one before them", "2")
    .option("--type <type>", "the type of the jobs", "load")
    .option("--concurrency <n>", "submissions at a time", "16")
    .option("--timeout <duration>", "when what is not finished counts as lost", "10m")
    .option("--json", "print the result as JSON")
    .action(async (options: LoadOptions) => {
      const [{ loadCommand }, { LoadRefused }] = await Promise.all([
        import("../mock/load/command.js"),
        import("../mock/load/client.js"),
      ]);
      const server = serverOption(options.server);
      const tls = clientTlsOf(server, options);
      const ok = await loadCommand(
        {
          server,
          jobs: positive("jobs", options.jobs, 100_000),
          size: sizeOption("size", options.size),
          duration: durationOption("duration", options.duration) ?? 0,
          depth: positive("depth", options.depth, 1_000),
          fanout: positive("fanout", options.fanout, 1_000),
          type: options.type,
          concurrency: positive("concurrency", options.concurrency, 1_000),
          timeout: durationOption("timeout", options.timeout) ?? 0,
          json: options.json === true,
          ...(tls === undefined ? {} : { tls }),
        },
        io,
      ).catch((error: unknown) => {
        if (error instanceof UnreadableTls) unreadableTls(error, {});
        const { server } = options;
        const why =
          error instanceof LoadRefused
            ? `${server} is no job server that takes this: ${error.message}`
            : `${server} does not answer like a job server: ${reasonOf(error)}`;
        throw new CommandError(EXIT.failed, `--server: ${why}`);
      });
      if (!ok) throw new CommandError(EXIT.failed, "load: not every job was done exactly once");
    });
}

function positive(name: string, text: string, max: number): number {
  const value = numberOption(name, text, max);
  if (value > 0) return value;
  throw new CommandError(
    EXIT.usage,
    `--${name}: expected a whole number from 1, got ${JSON.stringify(text)}`,
  );
}

function sizeOption(name: string, text: string): number {
  const bytes = text === "0" ? 0 : parseSize(text);
  if (bytes !== null) return bytes;
  throw new CommandError(
    EXIT.usage,
    `--${name}: expected a size such as 256MiB, got ${JSON.stringify(text)}`,
  );
}

function serverOption(text: string): string {
  if (URL.canParse(text) && /^https?:/u.test(text)) return text;
  throw new CommandError(
    EXIT.usage,
    `--server: expected a URL such as http://127.0.0.1:3000, got ${JSON.stringify(text)}`,
  );
}
