/** `squall bot`: a job worker to be hurt, with as many flaws as wanted. */
import type { LookupFunction } from "node:net";
import type { Command } from "commander";
import { botCommand } from "../mock/bot/command.js";
import { lookupAt } from "../mock/bot/lookup.js";
import { FLAW_NAMES, isFlaw, unknownFlaw, type Flaw } from "../mock/bot/flaws.js";
import { clientTlsOf, unreadableTls, withClientTls, type ClientTlsFlags } from "./client-tls.js";
import { CommandError, EXIT } from "./io.js";
import { durationOption, numberOption } from "./options.js";

interface BotOptions extends ClientTlsFlags {
  readonly server: string;
  readonly name: string;
  readonly concurrency: string;
  readonly workTime?: string;
  readonly localAddress?: string;
  readonly wait?: string;
  readonly timeout?: string;
  readonly dnsServer?: string;
  readonly flaw: readonly string[];
  readonly seed?: string;
  readonly json?: boolean;
}

export function addBot(program: Command): void {
  withClientTls(program.command("bot"))
    .description("run a reference bot against a job server")
    .requiredOption("--server <url>", "the job server, or Squall in front of it")
    .option("--name <name>", "the bot's name", "bot-1")
    .option("--concurrency <n>", "jobs at a time", "1")
    .option("--work-time <duration>", "how long it works on a job that does not say")
    .option("--local-address <address>", "where its connections come from")
    .option("--wait <duration>", "how long the server may keep it waiting for a job")
    .option("--timeout <duration>", "how long any other answer may take")
    .option("--dns-server <address>", "whom it asks for the server's name, in place of the system")
    .option("--flaw <name>", `a bug to have; may be repeated: ${FLAW_NAMES.join(", ")}`, collect, [])
    .option("--seed <n>", "draw the same waits each time")
    .option("--json", "print JSON lines")
    .action(async (options: BotOptions) => {
      const { server, name, localAddress, json } = options;
      if (!/^https?:/u.test(server) || !URL.canParse(server))
        throw new CommandError(EXIT.usage, `--server: expected a URL, got ${JSON.stringify(server)}`);
      const concurrency = numberOption("concurrency", options.concurrency, 1_000);
      if (concurrency < 1) throw new CommandError(EXIT.usage, "--concurrency: expected at least 1");
      const tls = clientTlsOf(server, options);
      const workTime = durationOption("work-time", options.workTime);
      const wait = durationOption("wait", options.wait);
      const requestTimeout = durationOption("timeout", options.timeout);
      if (requestTimeout === 0) throw new CommandError(EXIT.usage, "--timeout: expected more than 0");
      const lookup = options.dnsServer === undefined ? undefined : lookupOf(options.dnsServer);
      const seed =
        options.seed === undefined ? {} : { seed: numberOption("seed", options.seed, 2 ** 32 - 1) };
      await botCommand({
        server,
        name,
        concurrency,
        ...(workTime === undefined ? {} : { workTime }),
        ...(localAddress === undefined ? {} : { localAddress }),
        ...(wait === undefined ? {} : { wait }),
        ...(requestTimeout === undefined ? {} : { requestTimeout }),
        ...(lookup === undefined ? {} : { lookup }),
        ...seed,
        flaws: flawsNamed(options.flaw),
        ...(tls === undefined ? {} : { tls }),
        json: json === true,
      }).catch((error: unknown) => unreadableTls(error, {}));
    });
}

function lookupOf(address: string): LookupFunction {
  try {
    return lookupAt(address);
  } catch {
    throw new CommandError(
      EXIT.usage,
      `--dns-server: expected an address such as 127.0.0.1:5353, got ${JSON.stringify(address)}`,
    );
  }
}

const collect = (name: string, before: readonly string[]): string[] => [...before, name];

function flawsNamed(names: readonly string[]): ReadonlySet<Flaw> {
  const flaws = new Set<Flaw>();
  for (const name of names) {
    if (!isFlaw(name)) throw new CommandError(EXIT.usage, `--flaw: ${unknownFlaw(name)}`);
    flaws.add(name);
  }
  return flaws;
}
