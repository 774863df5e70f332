/** `GET /active?wait=…`: answers when it comes, and leaves nothing behind. */
import { request as httpRequest } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { turns, until } from "../support/lab.js";
import { AdminLab, type AdminAnswer } from "./admin-lab.js";

let here: AdminLab;
/** Listeners of the plan, counted from outside. */
let listening = 0;

beforeEach(async () => {
  here = await AdminLab.open({ limits: { polls: 2 } });
  listening = 0;
  const onChange = here.control.onChange.bind(here.control);
  here.control.onChange = (listener) => {
    const stop = onChange(listener);
    listening++;
    return () => {
      listening--;
      stop();
    };
  };
});

afterEach(async () => {
  await here.close();
  expect(listening).toBe(0);
});

async function wait(query: string): Promise<Promise<AdminAnswer>[]> {
  const before = listening;
  const answer = here.get(`/active?wait=${query}`);
  await until(() => listening > before);
  return [answer];
}

describe("a long poll", () => {
  it("answers when a phase begins", async () => {
    await here.call("PUT", "/active", { body: '{"profile":"restart"}' });
    const [answer] = await wait("phase:away");
    here.clock.advance(10_000);
    expect((await answer)?.json).toMatchObject({ timed_out: false, activations: [{ phase: "away" }] });
  });

  it("answers at once in a phase that has begun", async () => {
    await here.call("PUT", "/active", { body: '{"profile":"restart"}' });
    expect((await here.get("/active?wait=phase:calm")).json).toMatchObject({ timed_out: false });
  });

  it("answers when nothing is on any more", async () => {
    await here.call("PUT", "/active", { body: '{"profile":"slow","ttl":"5s"}' });
    const [answer] = await wait("end");
    here.clock.advance(5_000);
    expect((await answer)?.json).toMatchObject({ timed_out: false, activations: [] });
    expect((await here.get("/active?wait=end")).json).toMatchObject({ timed_out: false });
  });

  it("answers when anything changes", async () => {
    const [answer] = await wait("change");
    await here.call("PUT", "/active", { body: '{"profile":"slow"}' });
    expect((await answer)?.json).toMatchObject({ timed_out: false, activations: [{ id: "slow" }] });
  });

  it("misses no change between two polls when it names the revision that was seen", async () => {
    const { revision } = (await here.get("/active")).json;
    await here.call("PUT", "/active", { body: '{"profile":"slow"}' });
    const { json } = await here.get(`/active?wait=change&revision=${revision}`);
    expect(json).toMatchObject({ timed_out: false, activations: [{ id: "slow" }] });
    const [next] = await wait(`change&revision=${json.revision}`);
    await here.call("DELETE", "/active");
    expect((await next)?.json.activations).toEqual([]);
  });

  it("says so when the time is up: after 30 s if it says nothing itself", async () => {
    const [first] = await wait("end&timeout=0ms".replace("end", "phase:never"));
    here.clock.advance(1);
    expect((await first)?.json).toMatchObject({ timed_out: true, activations: [] });
    const [second] = await wait("phase:never");
    here.clock.advance(29_999);
    await turns();
    expect(listening).toBe(1);
    here.clock.advance(1);
    expect((await second)?.json.timed_out).toBe(true);
    expect(here.clock.idle).toBe(true);
  });

  it("refuses what it does not know", async () => {
    for (const [query, path] of [
      ["wait=phse:x", "wait"],
      ["wait=", "wait"],
      ["wait=phase:", "wait"],
      ["wait=end&timeout=6m", "timeout"],
      ["wait=end&timeout=5", "timeout"],
      ["wait=change&revision=x", "revision"],
      ["wait=end&wait=end", "wait"],
      ["wiat=end", "wiat"],
    ]) {
      expect((await here.get(`/active?${query}`)).json, query).toMatchObject({ code: "SQ_BAD_PARAM", path });
    }
  });

  it("may be had only so many times at once", async () => {
    const [one] = await wait("phase:a");
    const [two] = await wait("phase:b");
    expect((await here.get("/active?wait=phase:c")).json).toMatchObject({ code: "SQ_TOO_MANY" });
    here.clock.advance(30_000);
    await Promise.all([one, two]);
    expect(here.clock.idle).toBe(true);
  });

  it("ends when the client leaves", async () => {
    const request = httpRequest({
      host: "127.0.0.1",
      port: here.port,
      path: "/active?wait=phase:x",
      agent: false,
    });
    request.on("error", () => undefined);
    request.end();
    await until(() => listening === 1);
    request.destroy();
    await until(() => listening === 0);
    expect(here.clock.idle).toBe(true);
  });

  it("ends when the admin port closes", async () => {
    const [answer] = await wait("phase:x");
    const closing = here.admin.close();
    expect((await answer)?.json.timed_out).toBe(true);
    await closing;
    expect(here.clock.idle).toBe(true);
  });
});
