/**
 * Real bugs of real job workers, which the bot can be given: each is a small deviation, in the place where the
 * real one was. The code asks `flaws.has("...")` there; a bot without flaws never takes those ways.
 */
import { didYouMean } from "../../core/suggest.js";

export interface FlawAccount {
  /** What a bot with the flaw does, as the end of "a bot that". */
  readonly about: string;
  /** Where it was reported. */
  readonly reports: readonly string[];
}

export const FLAWS = {
  "no-timeout": {
    about: "waits for ever on a connection that went silent",
    reports: [
      "https://github.com/temporalio/sdk-rust/issues/1249",
      "https://github.com/conductor-oss/python-sdk/pull/412",
    ],
  },
  "lost-lease": {
    about: "forgets a job whose lease was granted, if the response never came",
    reports: ["https://github.com/luci/luci-py/issues/130"],
  },
  "double-run": {
    about: "runs a job again when the response to its completion is lost",
    reports: [
      "https://github.com/sidekiq/sidekiq/issues/3303",
      "https://github.com/OptimalBits/bull/issues/308",
    ],
  },
  "stale-lease": {
    about: "works on, and claims to have completed, after its lease was given to another",
    reports: [
      "https://github.com/taskforcesh/bullmq/issues/439",
      "https://github.com/hashicorp/nomad/issues/8646",
    ],
  },
  "dies-on-reset": {
    about: "ends by an error of its own retry path after a connection was reset",
    reports: [
      "https://github.com/jbielick/faktory_worker_node/issues/30",
      "https://github.com/actions/upload-artifact/issues/185",
    ],
  },
  "connected-but-idle": {
    about: "connects again, but leases no more, after two cuts within three seconds",
    reports: ["https://github.com/celery/celery/issues/8030"],
  },
  "no-refresh": {
    about: "renews its token between jobs only, so that the result of a long one is dropped",
    reports: [
      "https://github.com/luci/luci-py/issues/294",
      "https://github.com/microsoft/azure-pipelines-agent/issues/5520",
    ],
  },
  "ignores-retry-after": {
    about: "comes back at once, again and again, when told to stay away",
    reports: ["https://github.com/BOINC/boinc/issues/412"],
  },
  "trusts-short-bodies": {
    about: "takes what came before the connection ended for the whole",
    reports: [
      "https://github.com/ansible/awx/issues/14693",
      "https://github.com/ansible/receptor/issues/597",
    ],
  },
  "html-as-json": {
    about: "ends by a syntax error on a balancer's HTML page",
    reports: [
      "https://github.com/mozilla/thimble.mozilla.org/issues/1033",
      "https://github.com/growthbook/growthbook-proxy/issues/134",
    ],
  },
  "restart-from-zero": {
    about: "begins an interrupted upload again at its first byte",
    reports: ["https://github.com/actions/upload-artifact/issues/116"],
  },
  "storm": {
    about: "waits without jitter, so that all bots come back in the same moment",
    reports: ["https://github.com/gravitational/teleport/issues/6889"],
  },
  "permanent-dns": {
    about: "gives up for good when the server's name cannot be resolved once",
    reports: [
      "https://github.com/cooperative-computing-lab/cctools/issues/662",
      "https://github.com/actions/runner/pull/4110",
    ],
  },
  "no-verify": {
    about: "accepts whatever certificate a server shows",
    reports: ["https://github.com/actions/runner/issues/286", "https://github.com/actions/runner/pull/1616"],
  },
  "one-strike": {
    about: "drops its job when a single heartbeat fails",
    reports: ["https://github.com/sourcegraph/sourcegraph-public-snapshot/pull/44685"],
  },
} as const satisfies Record<string, FlawAccount>;

export type Flaw = keyof typeof FLAWS;
export type Flaws = ReadonlySet<Flaw>;

export const NO_FLAWS: Flaws = new Set();

export const FLAW_NAMES = Object.keys(FLAWS) as readonly Flaw[];

export function isFlaw(name: string): name is Flaw {
  return Object.hasOwn(FLAWS, name);
}

/** What to tell who asked for a flaw that there is not: what was probably meant, and all there are. */
export function unknownFlaw(name: string): string {
  const hint = didYouMean(name, FLAW_NAMES);
  const width = Math.max(...FLAW_NAMES.map(({ length }) => length));
  const list = FLAW_NAMES.map((flaw) => `  ${flaw.padEnd(width)}  ${FLAWS[flaw].about}`);
  const asked = `there is no flaw ${JSON.stringify(name)}${hint === undefined ? "" : `; ${hint}`}`;
  return [asked, "A bot with one of these flaws is a bot that ...", ...list].join("\n");
}
