/** `squall demo` as somebody sees it who tries it: a daemon, a job server and bots, which go when it goes. */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workshop, getJson } from "../support/process.js";

let shop: Workshop;

beforeEach(() => {
  shop = new Workshop();
});

afterEach(() => shop.close());

describe("squall demo", () => {
  it("shows bots at work, hurts them visibly, heals them, and takes its children along", async () => {
    const demo = shop.start(["demo", "--admin", "127.0.0.1:0", "--listen", "127.0.0.1:0"]);
    const [, admin = ""] = await demo.printed(/admin on (http:\S+)/u);
    await demo.printed(/curl -X PUT localhost:\d+\/active -d profile=server-crash/u);
    await demo.printed(/bot-3 .*completed/u);
    await getJson(`${admin}/active`, { method: "PUT", body: new URLSearchParams("profile=server-crash") });
    await demo.printed(/bot-\d .*connection (?:was )?(?:reset|refused)/u);
    await demo.printed(/curl -X DELETE localhost:\d+\/active/u);
    await getJson(`${admin}/active`, { method: "DELETE" });
    await demo.printed(/bot-\d .*(?:recovered|through again|again after)/iu);
    const { pid = 0 } = demo.child;
    const children = childrenOf(pid);
    expect(children.length).toBe(4);
    demo.kill("SIGTERM");
    expect(await demo.ended).toMatchObject({ code: 0 });
    await Promise.all(children.map(gone));
  });

  it("takes its children along at SIGKILL as well", async () => {
    const demo = shop.start(["demo", "--admin", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--bots", "1"]);
    await demo.printed(/bot-1 .*completed/u);
    const children = childrenOf(demo.child.pid ?? 0);
    demo.kill("SIGKILL");
    // The children hold the other ends of its pipes: `ended` comes when the last of them is gone.
    await demo.ended;
    await Promise.all(children.map(gone));
  });
});

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .map(Number)
    .filter((child) => child > 0);
}

/** Resolves when the process is gone; one that stays is what the test's time-out is for. */
async function gone(pid: number): Promise<void> {
  while (alive(pid)) await new Promise((resolve) => setImmediate(resolve));
}

/** A zombie that nobody has waited for yet is gone as far as anybody can tell. */
function alive(pid: number): boolean {
  try {
    return !/\) Z /u.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
