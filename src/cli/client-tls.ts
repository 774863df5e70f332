/** The options of commands that are clients of a job server over TLS, and what is wrong with the files that they name. */
import type { Command } from "commander";
import type { ClientTlsOptions } from "../mock/tls/client.js";
import { UnreadableTls } from "../mock/tls/unreadable.js";
import { CommandError, EXIT } from "./io.js";
import { whyUnread } from "../core/why-unread.js";

export interface ClientTlsFlags {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly sni?: string;
}

export function withClientTls(command: Command): Command {
  return command
    .option("--ca <file>", "a CA to trust besides the usual ones, for a server of https://")
    .option("--cert <file>", "the certificate to show to the server, with --key")
    .option("--key <file>", "its private key")
    .option("--sni <name>", "the server's name in TLS, where it is not that of the URL");
}

/** Throws CommandError for options that a server of plain HTTP has no use for. */
export function clientTlsOf(
  server: string,
  { ca, cert, key, sni }: ClientTlsFlags,
): ClientTlsOptions | undefined {
  const given = { ca, cert, key, sni };
  const [first] = Object.entries(given).filter(([, value]) => value !== undefined);
  if (first === undefined) return undefined;
  if (!server.startsWith("https:"))
    throw new CommandError(
      EXIT.usage,
      `--${first[0]}: ${server} speaks no TLS; expected a URL such as https://…`,
    );
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(sni === undefined ? {} : { servername: sni }),
  };
}

/** Throws a CommandError by the option whose file is meant, and everything else as it is. */
export function unreadableTls(
  error: unknown,
  names: Partial<Record<UnreadableTls["option"], string>>,
): never {
  if (!(error instanceof UnreadableTls)) throw error;
  const { option, message, cause } = error;
  const why = cause === undefined ? "" : `: ${whyUnread(cause)}`;
  throw new CommandError(EXIT.failed, `--${names[option] ?? option}: ${message}${why}`);
}
