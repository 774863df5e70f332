/** What a bot tells about itself while it runs: small, flat events, fit to be printed as lines of JSON. */
import type { Millis } from "../../core/clock.js";
import type { Bytes } from "../../core/units.js";

/** The calls of the job protocol that a bot makes. */
export type CallName =
  "register" | "refresh" | "lease" | "heartbeat" | "payload" | "artifact" | "complete" | "fail";

export type BotEvent =
  | { readonly event: "registered"; readonly bot_id: string; readonly expires_in: number }
  | { readonly event: "refreshed"; readonly bot_id: string; readonly expires_in: number }
  /** The server had no job for us, for as long as we were ready to wait. */
  | { readonly event: "idle" }
  | { readonly event: "leased"; readonly job: string; readonly type: string; readonly attempt: number }
  /** The lease is confirmed, and work begins. */
  | { readonly event: "working"; readonly job: string }
  | { readonly event: "heartbeat"; readonly job: string; readonly progress: number }
  /** The payload is here, whole; `received` counts what came over the wire for it, in all attempts. */
  | {
      readonly event: "downloaded";
      readonly job: string;
      readonly bytes: Bytes;
      readonly received: Bytes;
    }
  /** The server has the artifact, whole. `resumed_from` is where the last attempt began: "all" had arrived already. */
  | {
      readonly event: "uploaded";
      readonly job: string;
      readonly artifact: string;
      readonly bytes: Bytes;
      readonly attempts: number;
      readonly resumed_from: Bytes | "all";
    }
  /** `repeated` is true if the server knew already: it was the answer that had been lost. */
  | { readonly event: "completed"; readonly job: string; readonly repeated: boolean }
  /** The work itself failed, and the server knows. */
  | { readonly event: "failed"; readonly job: string; readonly why: string }
  /** The job is somebody else's now; what was done for it is thrown away. */
  | { readonly event: "lease_lost"; readonly job: string; readonly why: string }
  | {
      readonly event: "retrying";
      readonly call: CallName;
      readonly why: string;
      /** Where TLS failed, what did: `CERT_HAS_EXPIRED`, `alert internal_error`, `handshake_timeout`. */
      readonly tls?: string;
      readonly attempt: number;
      readonly wait: Millis;
    }
  /** A call that had to be tried again got through. */
  | {
      readonly event: "recovered";
      readonly call: CallName;
      readonly attempts: number;
      readonly after: Millis;
    }
  | { readonly event: "stopped" };

export type Report = (event: BotEvent) => void;
