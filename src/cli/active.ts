/** The commands that switch faults on and off: use, add, heal. */
import type { Command } from "commander";
import { suggest } from "../core/suggest.js";
import { jsonLine } from "../telemetry/entry.js";
import { activeText, healedText, type ActiveView, type HealedView } from "./active-text.js";
import { AdminClient, Refusal } from "./client.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { paramsOf } from "./params.js";
import { isProfileFile, lyingHere, ProfileFromFile } from "./profile-file.js";
import type { Naming } from "./refusal.js";
import type { OnOptions } from "./on/each.js";
import type { FleetOptions, OutcomeView } from "./fleet/ask.js";
import type { UseFleetOptions } from "./fleet/use.js";
import {
  collect,
  commandTo,
  onFleet,
  onMany,
  remote,
  signed,
  wholeNumber,
  type RemoteOptions,
} from "./remote.js";
import { yamlValue } from "./yaml-value.js";

interface UseOptions extends RemoteOptions, OnOptions, UseFleetOptions {
  readonly param?: readonly string[];
  readonly seed?: string;
  readonly ttl?: string;
  readonly proxy?: readonly string[];
  readonly observe?: boolean;
  readonly add?: boolean;
  readonly orHeal?: boolean;
}

export function addActiveCommands(program: Command, io: Io): void {
  addUse(program, io);
  addAdd(program, io);
  addHeal(program, io);
}

function activationOptions(command: Command): Command {
  return remote(command)
    .option("--seed <n>", "the seed of all draws; drawn and shown if not given")
    .option("--ttl <duration>", "ends by itself after that time, such as 30s")
    .option("--proxy <names...>", "only on these proxies")
    .option("--observe", "journal what would be hit, and do nothing");
}

interface CommonBody {
  readonly seed?: number;
  readonly ttl?: string;
  readonly proxies?: readonly string[];
  readonly mode?: "observe";
}

function commonBody({ seed, ttl, proxy, observe }: UseOptions): CommonBody {
  return {
    ...(seed === undefined ? {} : { seed: wholeNumber("seed", seed) }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(proxy === undefined ? {} : { proxies: proxy }),
    ...(observe === true ? { mode: "observe" } : {}),
  };
}

/** By which option the keys of the request were given. Null where the message says it all. */
function commonOption(path: string): string | null | undefined {
  const [, key = "", rest = ""] = /^(\w+)\W?(.*)$/su.exec(path) ?? [];
  switch (key) {
    case "ttl":
    case "seed":
      return `--${key}`;
    case "proxies":
      return "--proxy";
    case "params":
      return `--param ${rest}`;
    case "profile":
      return null;
    default:
      return undefined;
  }
}

function addUse(program: Command, io: Io): void {
  signed(fleetTargets(onFleet(onMany(activationOptions(program.command("use <profile>"))))))
    .description("switch a profile on, in place of what is on; takes a name, or a file such as ./mine.yaml")
    .option("--param <name=value>", "a parameter of the profile; may be given several times", collect)
    .option("--add", "beside what is on, instead of in its place")
    .option(
      "--or-heal",
      "with --on: ends it again everywhere, unless all have applied it; with --fleet: puts back what was on, unless what is required comes",
    )
    .action(async (profile: string, options: UseOptions) => {
      const params = paramsOf(options.param);
      const { seed, ...common } = commonBody(options);
      const file = isProfileFile(profile) ? ProfileFromFile.read(profile, io) : null;
      const { daemons, label, percent, startsIn, require, wait, by, why } = options;
      const only = { daemons, label, percent, "starts-in": startsIn, require, wait, by, why };
      if (await isForFleet(options, only)) {
        const fleet = await import("./fleet/use.js");
        const words = wordsOf(profile, options);
        await fleet.useFleet({ profile: file?.name ?? profile, words }, options, io, async (client, more) => {
          const named = async (name: string, said?: Naming["file"]): Promise<OutcomeView> => {
            const body = {
              profile: name,
              ...(Object.keys(params).length === 0 ? {} : { params }),
              ...(seed === undefined ? {} : { seed }),
              ...common,
              ...more,
            };
            const naming: Naming = {
              option: (path) => fleet.fleetOption(path) ?? commonOption(path),
              ...(said === undefined ? {} : { file: said }),
            };
            const method = options.add === true ? "POST" : "PUT";
            const answer = (await client.call(method, "/fleet/active", body, naming)) as OutcomeView | null;
            return client.known(answer, "daemons");
          };
          return file === null ? named(profile) : file.lend(client, io, named);
        });
        return;
      }
      const switchOn = async (client: AdminClient, drawn = seed): Promise<ActiveView> => {
        const named = async (name: string, said?: Naming["file"]): Promise<ActiveView> => {
          const body = {
            profile: name,
            ...(Object.keys(params).length === 0 ? {} : { params }),
            ...(drawn === undefined ? {} : { seed: drawn }),
            ...common,
          };
          const naming: Naming = { option: commonOption, ...(said === undefined ? {} : { file: said }) };
          const method = options.add === true ? "POST" : "PUT";
          return client.known(
            (await client.call(method, "/active", body, naming)) as ActiveView | null,
            "activations",
          );
        };
        return file === null ? named(profile) : file.lend(client, io, named);
      };
      if (options.on !== undefined) {
        const { useOn } = await import("./on/use.js");
        const wanted = {
          profile: file?.name ?? profile,
          seed: seed ?? null,
          words: wordsOf(profile, options),
        };
        await useOn(wanted, options, io, switchOn);
        return;
      }
      if (options.orHeal === true) throw new CommandError(EXIT.usage, "--or-heal: needs --on or --fleet");
      const answer = await switchOn(new AdminClient(options, io)).catch((error: unknown) => {
        const here = lyingHere(profile, io);
        if (!(error instanceof Refusal) || error.status !== 404 || here === null) throw error;
        throw new CommandError(
          error.exitCode,
          `${error.message}\n  a file of that name is here: squall use ${here}`,
        );
      });
      report(io, options, answer);
    });
}

function fleetTargets(command: Command): Command {
  return command
    .option("--daemons <names>", "with --fleet: only these; node-* is several, and so is a,b", collect)
    .option(
      "--label <name=value>",
      "with --fleet: only daemons with this label; may be given several times",
      collect,
    )
    .option("--percent <n>", "with --fleet: only so many of them, always the same for one profile")
    .option("--starts-in <duration>", "with --fleet: all begin together, so long from now, such as 2s")
    .option("--require <how many>", "with --fleet: all, quorum, any or none must have it (default all)");
}

/** Throws a CommandError for options that need a fleet. */
async function isForFleet(
  options: RemoteOptions & OnOptions & { readonly fleet?: boolean },
  only: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const { checkFleetOptions } = await import("./fleet/ask.js");
  checkFleetOptions(options, only);
  return options.fleet === true;
}

/** What repeats the command, but for the seed, the time and the daemons. */
function wordsOf(profile: string, { param = [], proxy, observe, add }: UseOptions): readonly string[] {
  return [
    profile,
    ...param.flatMap((one) => ["--param", one]),
    ...(add === true ? ["--add"] : []),
    ...(observe === true ? ["--observe"] : []),
    ...(proxy === undefined ? [] : ["--proxy", ...proxy]),
  ];
}

/** The keys of a fault that the command's own words give. */
const OWN_WORDS: ReadonlySet<string> = new Set(["type", "proxy"]);

function addAdd(program: Command, io: Io): void {
  const command = activationOptions(program.command("add <proxy> <type> [parameters...]"))
    .description(
      "add one fault to a proxy: squall add jobs latency --delay 200ms --match '{ path: /v1/jobs }'",
    )
    .allowUnknownOption();
  command.action(async (proxy: string, type: string, parameters: string[], options: UseOptions) => {
    const { fault, given } = faultOf(parameters);
    const own = command.options.flatMap(({ long }) => long?.slice(2) ?? []);
    const naming: Naming = {
      option: (path) => {
        const [, key = "", rest = ""] = /^faults\[0\]\.?(\w*)(.*)$/su.exec(path) ?? [];
        if (key === "") return path === "" || path.startsWith("faults") ? null : commonOption(path);
        if (OWN_WORDS.has(key)) return null;
        return `${given.get(key) ?? `--${key}`}${rest === "" ? "" : `: ${rest.replace(/^\./u, "")}`}`;
      },
      hint: (path) => {
        const [, key = ""] = /^faults\[0\]\.(\w+)$/su.exec(path) ?? [];
        if (OWN_WORDS.has(key)) return undefined;
        if (own.includes(key)) return "it is an option of the command, and stands before the two dashes";
        const near = suggest(key, own);
        return near === undefined ? undefined : `did you mean "--${near}"?`;
      },
    };
    const client = new AdminClient(options, io);
    const body = { faults: [{ type, ...fault, proxy }], ...commonBody(options) };
    const answer = (await client.call("POST", "/active", body, naming).catch(async (error: unknown) => {
      if (!(error instanceof Refusal) || !error.message.startsWith("no fault type is called ")) throw error;
      const isProfile = await client.call("GET", `/profiles/${encodeURIComponent(type)}`).then(
        () => true,
        () => false,
      );
      if (!isProfile) throw error;
      throw new CommandError(
        error.exitCode,
        `${error.message}\n  it is a profile: ${commandTo(options, io)("use", type, "--add", "--proxy", proxy)}`,
      );
    })) as ActiveView | null;
    report(io, options, client.known(answer, "activations"));
  });
}

interface FaultWords {
  readonly fault: Readonly<Record<string, unknown>>;
  /** The options, as they were written, by the key that they gave. */
  readonly given: ReadonlyMap<string, string>;
}

/** `--name value` and `--name=value`, each value in YAML. */
function faultOf(words: readonly string[]): FaultWords {
  const fault: Record<string, unknown> = {};
  const given = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    // What stands behind it is the fault's, though the command has an option of the same name.
    if (word === "--") continue;
    if (!word.startsWith("--"))
      throw new CommandError(EXIT.usage, `expected --parameter value, got ${JSON.stringify(word)}`);
    const at = word.indexOf("=");
    const option = at < 0 ? word : word.slice(0, at);
    const [part] = /\..*$/su.exec(option) ?? [];
    if (part !== undefined) {
      const whole = option.slice(0, -part.length);
      throw new CommandError(
        EXIT.usage,
        `${option}: there is no such option (parts of a value stand in it, as YAML: ${whole} '{ ${part.slice(1)}: … }')`,
      );
    }
    const name = option.slice(2).replaceAll("-", "_");
    const value = at < 0 ? words[++i] : word.slice(at + 1);
    if (value === undefined || (at < 0 && /^--[a-z]/u.test(value)))
      throw new CommandError(EXIT.usage, `${option}: a value is missing`);
    if (given.has(name))
      throw new CommandError(
        EXIT.usage,
        `${option}: is given twice (a list is one value: ${option} '[a, b]')`,
      );
    if (OWN_WORDS.has(name))
      throw new CommandError(EXIT.usage, `${option}: is given already, as a word of its own`);
    fault[name] = yamlValue(option, value);
    given.set(name, option);
  }
  return { fault, given };
}

interface HealOptions extends RemoteOptions, OnOptions, FleetOptions {
  readonly own?: boolean;
}

function addHeal(program: Command, io: Io): void {
  signed(onFleet(onMany(remote(program.command("heal [activation]")))))
    .description("end all activations, or the one with that id; connections are kept")
    .option("--own", "take away the faults that proxies have of their own as well, toxics among them")
    .action(async (activation: string | undefined, options: HealOptions) => {
      const { own = false } = options;
      if (own && activation !== undefined)
        throw new CommandError(EXIT.usage, "--own: goes with healing everything, not with one activation");
      const { wait, by, why } = options;
      if (own && options.fleet === true)
        throw new CommandError(
          EXIT.usage,
          "--own: a fleet switches no faults that proxies have of their own",
        );
      if (await isForFleet(options, { wait, by, why })) {
        await (await import("./fleet/heal.js")).healFleet(activation, options, io);
        return;
      }
      const path =
        activation === undefined
          ? `/active${own ? "?own=true" : ""}`
          : `/active/${encodeURIComponent(activation)}`;
      if (options.on !== undefined) {
        await (await import("./on/heal.js")).healOn(path, options, io);
        return;
      }
      const client = new AdminClient(options, io);
      const answer = (await client.call("DELETE", path)) as HealedView;
      if (options.json === true) io.out(`${jsonLine(answer)}\n`);
      else io.out(healedText(client.known(answer, "activations"), commandTo(options, io)));
    });
}

function report(io: Io, options: RemoteOptions, answer: ActiveView): void {
  if (options.json === true) io.out(`${jsonLine(answer)}\n`);
  else io.out(activeText(answer, io.colours, false));
}
