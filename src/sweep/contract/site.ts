/** A site: one distinct call that the command makes, by which faults are placed. */

/** How alike the fault-free runs were there: the same count in all; other counts; not in all. */
export type Steadiness = "stable" | "wavering" | "rare";

interface SiteCommon {
  /** Text of its own, the same in every recording of the same traffic: `jobs bot-# POST /v1/jobs/:n/complete`. */
  readonly id: string;
  readonly proxy: string;
  /** Names of bots that differ in digits or hexadecimal alone are one class: `bot-#`. */
  readonly botClass: string;
  /** Whom faults are aimed at, and all members. A pattern such as `bot-*` where no member's name was the same in two runs. */
  readonly bot: string;
  readonly bots: readonly string[];
  readonly steadiness: Steadiness;
  /** Calls of `bot` in each fault-free run: exchanges, connections, handshakes, queries, or the datagrams that it sent. */
  readonly counts: readonly number[];
  /** Calls of it came over TLS with Squall; missing where none did. */
  readonly secure?: true;
}

/** What was seen at an HTTP site, over all fault-free runs: what decides which kinds make sense. */
export interface HttpTraits {
  readonly safe: boolean;
  readonly authorized: boolean;
  readonly keepAlive: boolean;
  /** The ordinal of the first call of `bot` that came on a used connection in every fault-free run; null if there is none. */
  readonly reusedAt: number | null;
  /** Largest body of a response, in bytes. */
  readonly body: number;
  /** Smallest body that is not empty; 0 if all are. */
  readonly leastBody: number;
  /** Smallest body of a request that is not empty; 0 if all are. */
  readonly leastSent: number;
  readonly json: boolean;
  /** Different answers to the same request path. */
  readonly answers: number;
  /** An idempotency key was sent. */
  readonly keyed: boolean;
  /** The longest fault-free response, in milliseconds. */
  readonly slowest: number;
}

export type Site = SiteCommon &
  (
    | {
        readonly protocol: "http";
        readonly method: string;
        /** `/v1/jobs/:n/complete`, in the form that `match: { path }` takes. */
        readonly template: string;
        /** Templates that fit some of its paths as well, and that these paths are of before: `/v1/jobs/next` of `/v1/jobs/:n`. */
        readonly except: readonly string[];
        /** What it asks for, where one route serves many operations: the `X-Amz-Target`, the `operationName` of GraphQL. */
        readonly operation: string | null;
        /**
         * The ordinals that its calls have among all calls of the route, where it has an operation and they were the same in all
         * fault-free runs: what `match` cannot see is aimed at by these.
         */
        readonly within: readonly number[] | null;
        readonly traits: HttpTraits;
      }
    | {
        readonly protocol: "tcp";
        /** Bytes of the fault-free runs: least of each direction on one connection. */
        readonly bytes: { readonly up: number; readonly down: number };
      }
    | { readonly protocol: "udp"; readonly datagrams: { readonly up: number; readonly down: number } }
    | {
        readonly protocol: "tls";
        /** The name that is asked for; null for none. */
        readonly sni: string | null;
        /** Other names that are asked for at that proxy as well. */
        readonly others: readonly string[];
        /** Squall ends the TLS, and does not pass it on. */
        readonly ended: boolean;
      }
    | { readonly protocol: "dns"; readonly name: string; readonly type: string; readonly transport: string }
  );
