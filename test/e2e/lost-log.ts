/** A daemon whose log cannot be written, until it has noticed. */
import { expect } from "vitest";
import { getJson } from "../support/process.js";

export const CALM = { proxies: { jobs: { listen: "127.0.0.1:0", upstream: "tcp://127.0.0.1:9" } } };
export const HURT = {
  method: "PUT",
  body: '{"profile":"high-latency"}',
  headers: { "content-type": "application/json" },
};

/** Switches faults until the log has noticed that it is not written any more. */
export async function noticed(admin: string): Promise<string> {
  for (;;) {
    expect((await getJson(`${admin}/active`, HURT)).status).toBe(200);
    const { log } = (await getJson(`${admin}/status`)).body as {
      log: { lost: number; problem: string | null };
    };
    if (log.problem !== null && log.lost > 0) return log.problem;
  }
}
