/** What daemons announce, made up. */
import type { Presence } from "../../../src/fleet/contract/presence.js";

/** Of a daemon that has just started, and is under no plan: whatever a test is about, it says itself. */
export const presenceOf = (daemon: string, more: Partial<Presence> = {}): Presence => ({
  daemon,
  life: "life-1",
  version: "0.1.0",
  labels: { zone: "eu-1" },
  admin: null,
  serial: 0,
  state: "idle",
  why: null,
  offset_ms: null,
  error_ms: null,
  hits: 0,
  ends_at: null,
  journal_seq: 0,
  namesakes: [],
  ...more,
});
