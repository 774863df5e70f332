/** docs/matrix.md: what a whole run of the matrix showed. */
import { FLAWS } from "../../../src/mock/bot/flaws.js";
import { WITHOUT_FLAW, type Case } from "./cases.js";

export interface Result {
  readonly one: Case;
  /** What was broken, for each seed. */
  readonly outcomes: readonly { readonly seed: number; readonly broken: readonly string[] }[];
}

const INTRO = `# The matrix

Written by \`npm run matrix\`, which plays every case with real processes: a mock job server, Squall before it, bots. Times are scaled down
by the profiles' params. After each run an oracle looks at the server's audit, at what the bots said and at Squall's metrics:

- no job is lost, and each is completed exactly once: by the audit, and by what bots believe;
- payloads and artifacts have the digests they should;
- no bot dies, and each asks for jobs again after healing without being started anew, all work being done within seconds;
- no bot makes more than 25 attempts in a second;
- no bot accepts a certificate that is wrong, as Squall saw it take the handshake (\`tls_over\`);
- where a profile leaves a way: each job is leased and worked on once only (lost-ack, failing-heartbeats, token-expiry, job-dependencies), work
  goes on during the fault (half-open, blackhole, large-payloads), nobody comes before Retry-After is over (rate-limit), and bots do not come back in
  one moment (heal-storm).

A flawed bot must break one of these under its profile, the reference bot none under any: so profiles and oracle are proven together.
`;

export function matrixPage(
  flawed: readonly Result[],
  survived: readonly Result[],
  seeds: readonly number[],
): string {
  const caught = flawed.map(({ one, outcomes }) => {
    const flaw = one.flaw ?? "no-timeout";
    const how = [...new Set(outcomes.flatMap(({ broken }) => broken.slice(0, 1)))].map(plain);
    const times = outcomes.filter(({ broken }) => broken.length > 0).length;
    return `| ${flaw} | a bot that ${FLAWS[flaw].about} | ${labelOf(one)} | ${times} of ${outcomes.length} | ${[...new Set(how)].join("; ")} |`;
  });
  const passed = survived.map(({ one, outcomes }) => {
    const odd = outcomes.filter(({ broken }) => broken.length > 0);
    const why = odd.map(({ seed, broken }) => `seed ${seed}: ${broken.join(", ")}`).join("; ");
    return `| ${labelOf(one)} | ${outcomes.length - odd.length} of ${outcomes.length} | ${why} |`;
  });
  const silent = Object.entries(WITHOUT_FLAW).map(([profile, why]) => `| ${profile} | ${why}. |`);
  return [
    INTRO,
    `## Flaws, and the profiles that expose them\n\nSeeds ${seeds.join(", ")}. What broke first:\n`,
    ["| flaw | what the bot does | profile | caught | by |", "|---|---|---|---|---|", ...caught, ""].join(
      "\n",
    ),
    "## The reference bot\n",
    ["| profile | survived | what broke otherwise |", "|---|---|---|", ...passed, ""].join("\n"),
    `## Profiles that expose none of these flaws\n
The network presets and the profiles for pools are there for what they do to times: they show bots whose deadlines are
too short for the network that they run on, of which there is no one right number, so they have no flaw of their own. Of
the others:\n`,
    ["| profile | why it is there |", "|---|---|", ...silent, ""].join("\n"),
  ].join("\n");
}

export function labelOf({ profile, params = {}, setting = {} }: Case): string {
  const given = Object.entries(params).map(([name, value]) => `${name}=${value}`);
  const label = given.length === 0 ? profile : `${profile} (${given.join(" ")})`;
  return setting.secure === true ? `${label}, over TLS` : label;
}

/** Without counts, which differ from run to run. */
function plain(text: string): string {
  return text
    .replace(/\d+ of \d+ /gu, "")
    .replace(/^\d+ /u, "")
    .replace(/ \(.*\)$/su, "")
    .replaceAll("|", "/");
}
