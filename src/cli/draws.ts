/** `squall draws`: the draws of one fault for one bot, reckoned from names alone, to compare with what a run did. */
import type { Command } from "commander";
import { drawShape } from "../config/draw.js";
import {
  LANE,
  Random,
  drawKey,
  keyedDrawKey,
  type DrawKey,
  type DrawName,
  type Lane,
} from "../core/random.js";
import { bodyHash, textHash } from "../plan/draw-by.js";
import { parseRatio } from "../core/units.js";
import { CommandError, EXIT, type Io } from "./io.js";
import { numberOption } from "./options.js";

interface DrawsOptions {
  readonly seed: string;
  readonly activation: string;
  readonly fault: string;
  readonly proxy: string;
  readonly bot: string;
  readonly phase: string;
  readonly pass?: string;
  readonly from: string;
  readonly count?: string;
  readonly lane: string;
  readonly draws: string;
  readonly probability?: string;
  readonly by?: string;
  readonly key?: string;
  readonly keyHash?: string;
  readonly json?: boolean;
}

const COUNT_MAX = 1_000_000;
const DRAWS_MAX = 1_000;
const LANES = ["admission", "subject", "upstream", "downstream"] as const;

export function addDraws(program: Command, io: Io): void {
  program
    .command("draws")
    .description("work out the draws of a fault for a bot, as a run with that seed makes them")
    .requiredOption("--seed <n>", "the seed of the activation")
    .requiredOption("--activation <id>", "its id: the profile's name, inline, or toxics")
    .requiredOption("--fault <name>", "the fault's name, as the journal has it")
    .requiredOption("--proxy <name>", "the proxy")
    .option("--bot <name>", "the bot; nobody for faults on pools", "")
    .option("--phase <name>", "the phase that the fault stands in, if it stands in one", "")
    .option("--pass <n>", "the pass of that phase, counted from 1 as the journal counts (default: 1)")
    .option("--from <n>", "the first of the bot's subjects, counted from 0", "0")
    .option("--count <n>", "how many subjects (default: 10; 1 with --by)")
    .option(
      "--lane <name>",
      "admission (what probability is compared with), subject, upstream or downstream",
      "admission",
    )
    .option("--draws <n>", "how many draws of each subject", "1")
    .option("--probability <share>", "say which subjects it would hit, such as 30%")
    .option("--by <key>", "of a fault with draw: what it draws by, as in the profile")
    .option("--key <value>", "the key: the value of the header, the path, the text of the body, the name")
    .option("--key-hash <digits>", "its hash in its place, as the journal has it")
    .option("--json", "one JSON line a subject")
    .action((options: DrawsOptions) => {
      draw(options, io);
    });
}

function draw(options: DrawsOptions, io: Io): void {
  const { activation, fault, proxy, bot, phase } = options;
  const key = keyOf(options, {
    seed: numberOption("seed", options.seed, Number.MAX_SAFE_INTEGER),
    activation,
    phase,
    pass: passOf(options),
    fault,
    proxy,
    bot,
  });
  const lane = laneOf(options.lane);
  const probability = shareOf(options.probability);
  const from = numberOption("from", options.from, Number.MAX_SAFE_INTEGER - COUNT_MAX);
  const count = numberOption("count", options.count ?? (options.by === undefined ? "10" : "1"), COUNT_MAX);
  const each = Math.max(1, numberOption("draws", options.draws, DRAWS_MAX));
  for (let n = from; n < from + count; n++) {
    const random = new Random(key, n, lane);
    const draws = Array.from({ length: each }, () => random.unit());
    const hit = probability === null ? undefined : (draws[0] ?? 1) < probability;
    if (options.json === true) io.out(`${JSON.stringify({ n, draws, hit })}\n`);
    else
      io.out(
        `${[n, ...draws.map((value) => value.toFixed(12)), ...(hit === true ? ["hit"] : [])].join("  ")}\n`,
      );
  }
}

/** By the subject's number, or by what it has of its own: then `n` counts its attempts, from 0. */
function keyOf({ by, key, keyHash }: DrawsOptions, name: DrawName): DrawKey {
  if (by === undefined) {
    if (key !== undefined || keyHash !== undefined)
      throw new CommandError(
        EXIT.usage,
        `${key === undefined ? "--key-hash" : "--key"}: say what it is with --by`,
      );
    return drawKey(name);
  }
  const known = (["exchanges", "queries"] as const)
    .map((kind) => drawShape(kind).shape.by.safeParse(by))
    .find(({ success }) => success)?.data;
  if (known === undefined)
    throw new CommandError(
      EXIT.usage,
      `--by: expected header:NAME, path, body or name, got ${JSON.stringify(by)}`,
    );
  return keyedDrawKey({ ...name, by: known, key: hashOfKey(known, key, keyHash) });
}

function hashOfKey(by: string, key: string | undefined, hash: string | undefined): string {
  if ((key === undefined) === (hash === undefined))
    throw new CommandError(EXIT.usage, "--by: give either --key or --key-hash");
  if (hash === undefined) {
    const made = by === "body" ? bodyHash(Buffer.from(key ?? "")) : textHash(key);
    if (made === null)
      throw new CommandError(EXIT.usage, "--key: a subject with an empty key is drawn by its number");
    return made;
  }
  if (!/^[0-9a-f]{16}$/u.test(hash))
    throw new CommandError(
      EXIT.usage,
      `--key-hash: expected 16 hexadecimal digits, got ${JSON.stringify(hash)}`,
    );
  return hash;
}

/** Names know passes from 0, and 0 outside of phases. */
function passOf({ pass, phase }: DrawsOptions): number {
  if (pass === undefined) return 0;
  if (phase === "")
    throw new CommandError(EXIT.usage, "--pass: a fault outside of phases has none; give --phase too");
  const counted = numberOption("pass", pass, Number.MAX_SAFE_INTEGER);
  if (counted === 0) throw new CommandError(EXIT.usage, "--pass: passes are counted from 1");
  return counted - 1;
}

function laneOf(name: string): Lane {
  const known = LANES.find((lane) => lane === name);
  if (known === undefined)
    throw new CommandError(EXIT.usage, `--lane: expected ${LANES.join(", ")}, got ${JSON.stringify(name)}`);
  return LANE[known];
}

function shareOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const share = parseRatio(text);
  if (share === null || share > 1)
    throw new CommandError(
      EXIT.usage,
      `--probability: expected a share such as 30%, got ${JSON.stringify(text)}`,
    );
  return share;
}
