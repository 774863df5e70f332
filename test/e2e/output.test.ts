/** What cannot be written, since its reader has gone, decides neither when a command is over nor how. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workshop } from "../support/process.js";
import { CALM, noticed } from "./lost-log.js";

let shop: Workshop;

beforeEach(() => {
  shop = new Workshop();
});

afterEach(() => shop.close());

describe("a log whose reader has gone", () => {
  it("ends no daemon, and is told on standard error, in /status and in a metric", async () => {
    const { process: daemon, admin } = await shop.daemon(CALM);
    daemon.child.stdout?.destroy();
    expect(await noticed(admin)).toContain("EPIPE");
    expect(await (await fetch(`${admin}/metrics`)).text()).toMatch(/^squall_log_lost_total [1-9]/mu);
    daemon.kill();
    const { code, err } = await daemon.ended;
    expect(err).toMatch(/^squall: standard output cannot be written, and all goes on without it: .*EPIPE/mu);
    expect(code).toBe(0);
  });

  it("does not change with what code a command ends", async () => {
    const wrong = shop.file("wrong.yaml", "proxies: { a: { listen: nowhere } }\n");
    const validate = shop.start(["validate", wrong]);
    validate.child.stdout?.destroy();
    expect((await validate.ended).code).toBe(3);
  });
});
