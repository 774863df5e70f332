/** What bots and server say about a run, and which promises it broke: the oracle of the matrix. */

/** A line of test/e2e/matrix/bots.mjs. */
export interface BotLine {
  readonly at: number;
  readonly bot: string;
  readonly event: string;
  readonly job?: string;
  readonly why?: string;
  readonly tls?: string;
  readonly call?: string;
  readonly attempt?: number;
  readonly wait?: number;
}

/** A job as the mock server's audit and `GET /v1/jobs/:id` tell of it. */
export interface JobAccount {
  readonly id: string;
  readonly state: string;
  readonly leases: number;
  readonly executions: number;
  readonly completions: number;
  /** Of the payload; null for a job that has its payload in JSON. */
  readonly digest: string | null;
  readonly artifacts: readonly { readonly name: string; readonly digest: string }[];
}

/** How a bot took a handshake that a fault acted on, as Squall's journal tells of it. */
export interface HandshakeAccount {
  readonly took: string;
  /** What was wrong with the certificate that the bot was shown. */
  readonly problem: string | null;
}

export interface Promises {
  /** No job is leased, executed or worked on more than once: the profile leaves a way to keep to that. */
  readonly once?: boolean;
  /** The jobs that are submitted during the fault are done before it is healed: there is a way round it. */
  readonly during?: boolean;
  /** Nobody comes before the time that a refusal told. */
  readonly patient?: boolean;
  /** Bots that lost the server together do not come back together. */
  readonly spread?: boolean;
}

export interface Run {
  readonly bots: readonly string[];
  readonly lines: readonly BotLine[];
  readonly jobs: readonly JobAccount[];
  /** When the fault began, and when it was healed; milliseconds since 1970. */
  readonly hurtAt: number;
  readonly healedAt: number;
  /** Jobs submitted during the fault that were done when it was healed, of how many. */
  readonly during: { readonly done: number; readonly of: number };
  /** Requests that came before a refusal allowed it. */
  readonly early: number;
  readonly handshakes: readonly HandshakeAccount[];
}

/** More attempts of one bot within a second are no retries but hammering. */
const ATTEMPTS_PER_SECOND = 25;
/** Attempts of different bots this close together, in milliseconds, are one herd. */
const HERD_WITHIN = 10;
const HERD_SHARE = 0.75;
/** From this attempt on, waits have grown far enough apart to be spread. */
const HERD_ATTEMPT = 4;

/** One sentence for each promise that was broken. */
export function broken(run: Run, promises: Promises): string[] {
  return [
    ...died(run),
    ...lost(run),
    ...twice(run),
    ...spoilt(run),
    ...idle(run),
    ...hammering(run),
    ...trusting(run),
    ...(promises.once === true ? again(run) : []),
    ...(promises.during === true && run.during.done < run.during.of
      ? [`too little was done during the fault (${run.during.done} of ${run.during.of} jobs)`]
      : []),
    ...(promises.patient === true && run.early > 0
      ? [`${run.early} requests before Retry-After was over`]
      : []),
    ...(promises.spread === true ? herd(run) : []),
  ];
}

function died({ lines }: Run): string[] {
  const dead = lines.filter(({ event }) => event === "died");
  return dead.length === 0 ? [] : [`${dead.length} bots died (${dead[0]?.why?.slice(0, 60) ?? ""})`];
}

function lost({ jobs }: Run): string[] {
  const open = jobs.filter(({ state }) => state !== "completed");
  return open.length === 0 ? [] : [`${open.length} of ${jobs.length} jobs not done`];
}

/** By the audit, or by what bots believe: a job that two bots hold for theirs was done twice. */
function twice({ jobs, lines }: Run): string[] {
  const claims = countBy(lines, "completed");
  const often = jobs.filter(({ id, completions }) => completions > 1 || (claims.get(id) ?? 0) > 1);
  return often.length === 0 ? [] : [`${often.length} jobs claimed twice`];
}

function again({ jobs, lines }: Run): string[] {
  const works = countBy(lines, "working");
  const often = jobs.filter(
    ({ id, leases, executions }) => Math.max(leases, executions, works.get(id) ?? 0) > 1,
  );
  return often.length === 0 ? [] : [`${often.length} jobs leased or worked on again`];
}

function spoilt({ jobs }: Run): string[] {
  const bad = jobs.filter(({ digest, artifacts }) => {
    const echo = artifacts.find(({ name }) => name === "echo");
    return digest !== null && echo !== undefined && echo.digest !== digest;
  });
  return bad.length === 0 ? [] : [`${bad.length} payloads wrong`];
}

/** Each bot asks for jobs again after healing, without anybody starting it anew. */
function idle({ bots, lines, healedAt }: Run): string[] {
  const active = new Set(
    lines
      .filter(({ at, event }) => at >= healedAt && (event === "leased" || event === "idle"))
      .map(({ bot }) => bot),
  );
  const still = bots.filter((bot) => !active.has(bot));
  return still.length === 0 ? [] : [`${still.length} of ${bots.length} bots asked for nothing after healing`];
}

function hammering({ lines }: Run): string[] {
  const attempts = new Map<string, number>();
  for (const { event, bot, at } of lines) {
    if (event !== "retrying") continue;
    const second = `${bot} ${Math.floor(at / 1000)}`;
    attempts.set(second, (attempts.get(second) ?? 0) + 1);
  }
  const most = Math.max(0, ...attempts.values());
  return most <= ATTEMPTS_PER_SECOND ? [] : [`${most} attempts of one bot in a second`];
}

/** Data from a bot that was shown a wrong certificate: it takes whoever answers for the server. */
function trusting({ handshakes }: Run): string[] {
  const accepted = handshakes.filter(({ took, problem }) => took === "accepted" && problem !== null);
  const [first] = accepted;
  return first === undefined
    ? []
    : [`${accepted.length} wrong certificates accepted (${first.problem ?? ""})`];
}

/** The largest share of the bots that planned an attempt for the same moment. */
/**
 * Bots that lost the server in one moment and wait equally long come back in one moment. How long each waits is reckoned from what
 * it says, and not from when it says it: a machine that is busy lets them start apart, and would hide the herd.
 */
function herd({ bots, lines }: Run): string[] {
  const waited = new Map<string, number>();
  const returns: { readonly after: number; readonly bot: string }[] = [];
  for (const { event, bot, call = "", attempt = 0, wait = 0 } of lines) {
    if (event !== "retrying") continue;
    const errand = `${bot} ${call}`;
    const after = wait + (attempt === 1 ? 0 : (waited.get(errand) ?? 0));
    waited.set(errand, after);
    if (attempt >= HERD_ATTEMPT) returns.push({ after, bot });
  }
  let largest = 0;
  for (const first of returns) {
    const together = returns.filter(
      ({ after }) => after >= first.after && after <= first.after + HERD_WITHIN,
    );
    largest = Math.max(largest, new Set(together.map(({ bot }) => bot)).size);
  }
  return largest < bots.length * HERD_SHARE
    ? []
    : [`${largest} of ${bots.length} bots came back in one moment`];
}

function countBy(lines: readonly BotLine[], event: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines)
    if (line.event === event && line.job !== undefined) counts.set(line.job, (counts.get(line.job) ?? 0) + 1);
  return counts;
}
