/** The arguments of `bench/run.mjs`. */
import { parseArgs } from "node:util";
import { PINS } from "./placement.mjs";

export const USAGE = `usage: npm run bench -- [options]

  --list            what there is to measure, and with whom
  --only CASE       only this case; may be given several times, or as a list with commas
  --rounds N        rounds of every comparison (default 9)
  --seconds S       length of one measurement (default 1; some cases need more)
  --quick           few short rounds and small counts, to see that it works
  --pin none|split  where processes run: wherever the system puts them, or proxies on one processor and all else on the
                    others (default none)
  --json FILE       everything that was measured
  --markdown FILE   put the tables between the markers of that file, and the charts into a folder of its name beside it
  --dist FOLDER     the build of Squall to measure (default dist)
  --profile FOLDER  have the contenders that run in node write CPU profiles there
  --help
`;

const OPTIONS = {
  list: { type: "boolean", default: false },
  only: { type: "string", multiple: true, default: [] },
  rounds: { type: "string" },
  seconds: { type: "string" },
  quick: { type: "boolean", default: false },
  pin: { type: "string", default: "none" },
  json: { type: "string" },
  markdown: { type: "string" },
  dist: { type: "string", default: "dist" },
  profile: { type: "string" },
  help: { type: "boolean", default: false },
};

/** Throws with a sentence for whoever typed them. `cases` are the names that `--only` knows. */
export function readOptions(args, cases) {
  const values = parsed(args);
  const { quick, pin } = values;
  const only = values.only.flatMap((list) => list.split(",")).filter((name) => name !== "");
  for (const name of only) {
    if (!cases.includes(name))
      throw new Error(`--only ${name}: there is no such case; there are ${cases.join(", ")}`);
  }
  if (!PINS.includes(pin)) throw new Error(`--pin: expected ${PINS.join(" or ")}, got ${pin}`);
  return {
    ...values,
    only,
    rounds: number("rounds", values.rounds, { otherwise: quick ? 2 : 9, max: 1_000, whole: true }),
    seconds: number("seconds", values.seconds, { otherwise: quick ? 0.25 : 1, max: 600 }),
    warmUp: quick ? 0 : 1,
  };
}

function parsed(args) {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    throw new Error(`${error.message.split(". ")[0]}; --help tells what there is`, { cause: error });
  }
}

function number(name, text, { otherwise, max, whole = false }) {
  if (text === undefined) return otherwise;
  const value = text.trim() === "" ? NaN : Number(text);
  const kind = whole ? "a whole number from 1" : "a number above 0 and";
  if (!(value > 0 && value <= max) || (whole && !Number.isInteger(value)))
    throw new Error(`--${name}: expected ${kind} up to ${max}, got ${text === "" ? "nothing" : text}`);
  return value;
}
