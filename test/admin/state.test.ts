/** What is answered has been kept before, and what cannot be kept any more is not carried out. */
import { afterEach, describe, expect, it } from "vitest";
import { AdminLab } from "./admin-lab.js";

let here: AdminLab | null = null;

afterEach(async () => {
  await here?.close();
  here = null;
});

/** A state file whose disk takes its time, and that counts who waited for it. */
class SlowState {
  closed = false;
  waiting: (() => void)[] = [];
  readonly status = {
    file: "state.json",
    saved: false,
    error: "ENOSPC: no space left on device",
    writes: 3,
    failures: 1,
    unrestored: [
      { what: "proxy", name: "redis", why: "the file has a proxy of that name now, which prevails" },
    ],
  };

  saved(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Resolves when somebody waits. */
  async asked(): Promise<void> {
    while (this.waiting.length === 0) await new Promise((next) => setImmediate(next));
  }
}

const PROXY = { name: "redis", listen: "127.0.0.1:0", upstream: "127.0.0.1:9" };

describe("a daemon that keeps its state", () => {
  it.each([
    ["PUT", "/active", '{"profile":"slow"}', 200],
    ["DELETE", "/active", undefined, 200],
    ["PUT", "/profiles/mine", "profile: mine", 201],
    ["POST", "/reload", undefined, 200],
    ["POST", "/proxies", JSON.stringify(PROXY), 201],
    ["POST", "/populate", JSON.stringify([PROXY]), 201],
    ["POST", "/proxies/jobs/toxics", '{"type":"noop"}', 200],
    ["POST", "/reset", undefined, 204],
    // It may have done half of it.
    ["POST", "/populate", JSON.stringify([PROXY, { ...PROXY, name: "b", listen: "1.2.3.4:1" }]), 500],
    ["DELETE", "/active/none", undefined, 404],
  ])("answers %s %s when it is kept, and not before", async (method, path, body, status) => {
    const state = new SlowState();
    here = await AdminLab.open({ state });
    let answered = false;
    const answer = here.call(method, path, body === undefined ? {} : { body }).then((found) => {
      answered = true;
      return found;
    });
    await state.asked();
    // The call has been carried out, and others are answered meanwhile.
    await here.get("/healthz");
    expect(answered).toBe(false);
    for (const resolve of state.waiting) resolve();
    expect((await answer).status).toBe(status);
  });

  it.each([
    ["GET", "/active", undefined, 200],
    ["GET", "/proxies", undefined, 200],
    ["GET", "/metrics", undefined, 200],
    ["POST", "/journal/marks", '{"text":"a test begins"}', 201],
  ])("lets nobody wait who changes nothing: %s %s", async (method, path, body, status) => {
    const state = new SlowState();
    here = await AdminLab.open({ state });
    expect((await here.call(method, path, body === undefined ? {} : { body })).status).toBe(status);
    expect(state.waiting).toHaveLength(0);
  });

  it("refuses changes while it is stopping, and answers everything else", async () => {
    const state = new SlowState();
    here = await AdminLab.open({ state });
    state.closed = true;
    const { json } = await here.call("PUT", "/active", { body: '{"profile":"slow"}' });
    expect(json).toMatchObject({ status: 503, code: "SQ_STOPPING" });
    const { status, text } = await here.call("POST", "/proxies", { body: JSON.stringify(PROXY) });
    expect([status, text]).toEqual([
      503,
      '{"error":"the daemon is stopping: ask again after its restart","status":503}\n',
    ]);
    expect((await here.get("/active")).json.activations).toEqual([]);
    expect(Object.keys((await here.get("/proxies")).json as object)).toEqual(["jobs"]);
    expect((await here.call("POST", "/journal/marks", { body: '{"text":"the end"}' })).status).toBe(201);
  });

  it("says in /status how that stands", async () => {
    const state = new SlowState();
    here = await AdminLab.open({ state });
    expect((await here.get("/status")).json.state).toEqual(state.status);
  });
});
