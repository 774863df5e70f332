/** Switching faults on and off over HTTP. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AdminLab } from "./admin_lab.js";

const FORM = "application/x-www-form-urlencoded";
let here: AdminLab;

beforeEach(async () => {
  here = await AdminLab.open();
});

afterEach(async () => {
  await here.close();
});

const put = (body: string, type = "application/json"): ReturnType<AdminLab["call"]> =>
  here.call("PUT", "/active", { body, type });

describe("PUT /active", () => {
  it("switches a profile on and answers what is on", async () => {
    const { status, json } = await put('{"profile":"slow","seed":7,"ttl":"30s","params":{"by":"50ms"}}');
    expect(status).toBe(200);
    expect(json.activations).toMatchObject([
      { id: "slow", profile: "slow", seed: 7, params: { by: "50ms" }, remaining: "30s", proxies: null },
    ]);
    expect((await here.get("/active")).json).toEqual(json);
  });

  it("takes form data, as curl -d sends it", async () => {
    const { json } = await put("profile=slow&seed=8&ttl=5s&params.by=10ms&proxies=jobs&mode=observe", FORM);
    expect(json.activations).toMatchObject([
      { id: "slow", seed: 8, params: { by: "10ms" }, remaining: "5s", proxies: ["jobs"], mode: "observe" },
    ]);
  });
});
