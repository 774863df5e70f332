/** The arguments of `bench/run.mjs`. */
import { parseArgs } from "node:util";

export const USAGE = `usage: npm run bench -- [options]

  --only CASE       only this case; may be given several times, or as a list with commas
  --rounds N        rounds of every comparison (default 9)
  --seconds S       length of one measurement (default 5)
  --quick           few short rounds and small counts, to see that it works
  --json FILE       everything that was measured
  --markdown FILE   put the tables between the markers of that file
  --dist FOLDER     the build of Squall to measure (default dist)
  --profile FOLDER  have the contenders that run in node write CPU profiles there
  --help
`;

export function readOptions(args, cases) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: "string", multiple: true, default: [] },
      rounds: { type: "string" },
      seconds: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      markdown: { type: "string" },
      dist: { type: "string", default: "dist" },
      profile: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const { quick } = values;
  const only = values.only.flatMap((list) => list.split(","));
  for (const name of only) {
    if (!cases.includes(name)) throw new Error(`--only ${name}: there are ${cases.join(", ")}`);
  }
  return {
    ...values,
    only,
    rounds: positive("rounds", values.rounds, quick ? 3 : 9, 1_000),
    seconds: positive("seconds", values.seconds, quick ? 1 : 5, 600),
    warmUp: quick ? 1 : 3,
  };
}

function positive(name, text, otherwise, max) {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!(value > 0 && value <= max)) throw new Error(`--${name}: expected a number up to ${max}, got ${text}`);
  return name === "rounds" ? Math.ceil(value) : value;
}
