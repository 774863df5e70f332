/** Switching faults on and off over HTTP. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AdminLab, type AdminAnswer } from "./admin-lab.js";

const FORM = "application/x-www-form-urlencoded";
let here: AdminLab;

beforeEach(async () => {
  here = await AdminLab.open();
});

afterEach(async () => {
  await here.close();
});

const put = (body: string, type = "application/json"): Promise<AdminAnswer> =>
  here.call("PUT", "/active", { body, type });
const post = (body: string): Promise<AdminAnswer> => here.call("POST", "/active", { body });
const ids = ({ json }: AdminAnswer): string[] => json.activations.map(({ id }: { id: string }) => id);

describe("PUT /active", () => {
  it("switches a profile on and answers what is on", async () => {
    const answer = await put('{"profile":"slow","seed":7,"ttl":"30s","params":{"by":"50ms"}}');
    expect(answer.status).toBe(200);
    expect(answer.json.activations).toMatchObject([
      { id: "slow", profile: "slow", seed: 7, params: { by: "50ms" }, remaining: "30s", proxies: null },
    ]);
    expect((await here.get("/active")).json).toEqual(answer.json);
  });

  it("puts what it says in place of all that is on", async () => {
    await put('{"profile":"slow"}');
    expect(ids(await put('{"profile":"restart"}'))).toEqual(["restart"]);
  });

  it("takes form data, as curl -d sends it", async () => {
    const { json } = await put("profile=slow&seed=8&ttl=5s&params.by=10ms&proxies=jobs&mode=observe", FORM);
    expect(json.activations).toMatchObject([
      { id: "slow", seed: 8, params: { by: "10ms" }, remaining: "5s", proxies: ["jobs"], mode: "observe" },
    ]);
  });

  it("takes JSON for JSON even when curl -d calls it a form", async () => {
    expect(ids(await put(' {"profile": "slow"}', FORM))).toEqual(["slow"]);
  });

  it("takes YAML", async () => {
    expect(ids(await put("profile: slow\nttl: 1m\n", "text/yaml"))).toEqual(["slow"]);
  });

  it("decodes form data", async () => {
    const { status, json } = await put("profile=sl%6Fw&params%2Eby=1s+", FORM);
    expect(status).toBe(422);
    expect(json.details[0].message).toContain('got "1s "');
    expect(ids(await put("profile=sl%6Fw&params%2Eby=1s&", FORM))).toEqual(["slow"]);
  });

  it("adds up proxies in form data that are given twice or with a comma", async () => {
    await here.proxySet.add(here.proxySpec("other"), "api");
    for (const body of ["profile=slow&proxies=jobs,other", "profile=slow&proxies=jobs&proxies=other"]) {
      expect((await put(body, FORM)).json.activations[0].proxies).toEqual(["jobs", "other"]);
    }
  });

  it("switches faults on that no profile has", async () => {
    const { json } = await put(
      '{"faults":[{"type":"latency","delay":"50ms"},{"type":"reset","after":"1s"}]}',
    );
    expect(json.activations).toMatchObject([{ id: "inline", profile: "inline" }]);
    expect((await here.get("/status")).json.proxies[0].faults).toEqual([
      { fault: "latency", type: "latency", profile: "inline" },
      { fault: "reset", type: "reset", profile: "inline" },
    ]);
  });

  it("switches several on at once, or none of them", async () => {
    const both =
      '{"activations":[{"profile":"slow","seed":1},{"faults":[{"type":"latency","delay":"1ms"}]}]}';
    expect(ids(await put(both))).toEqual(["slow", "inline"]);
    const broken = await put('{"activations":[{"profile":"restart"},{"profile":"nope"}]}');
    expect(broken.status).toBe(404);
    expect(ids(await here.get("/active"))).toEqual(["slow", "inline"]);
    expect(ids(await put('{"activations":[]}'))).toEqual([]);
  });

  it("treats null as not given", async () => {
    const { json } = await put('{"profile":"slow","seed":null,"ttl":null,"faults":null,"params":null}');
    expect(json.activations).toMatchObject([{ id: "slow", remaining: null }]);
  });

  it.each([
    // body, type, status, code, path of the first detail, line and column, part of the text
    ['{"profile":"slo"}', "", 404, "SQ_PROFILE_NOT_FOUND", null, null, 'did you mean "slow"?'],
    ['{"profil":"slow"}', "", 422, "SQ_INVALID_ACTIVATION", "profil", "1:2", 'did you mean "profile"?'],
    ['{"profile":7}', "", 422, "SQ_INVALID_ACTIVATION", "profile", "1:12", "expected text, got 7"],
    ['{"profile":"slow","seed":-1}', "", 422, "SQ_INVALID_ACTIVATION", "seed", "1:26", "at least 0"],
    ['{"profile":"slow",\n "ttl":30}', "", 422, "SQ_INVALID_ACTIVATION", "ttl", "2:8", "a duration such as"],
    ['{"profile":"slow","ttl":"0s"}', "", 422, "SQ_INVALID_ACTIVATION", "ttl", "1:25", "more than 0ms"],
    [
      '{"profile":"slow","mode":"dry"}',
      "",
      422,
      "SQ_INVALID_ACTIVATION",
      "mode",
      "1:26",
      "inject or observe",
    ],
    ['{"profile":"slow","proxies":{}}', "", 422, "SQ_INVALID_ACTIVATION", "proxies", "1:29", "or a list"],
    [
      '{"profile":"slow","params":{"by":[1]}}',
      "",
      422,
      "SQ_INVALID_ACTIVATION",
      "params.by",
      "1:34",
      "single",
    ],
    [
      '{"faults":[{"type":"latency","delay":"50"}]}',
      "",
      422,
      "SQ_INVALID_PROFILE",
      "faults[0].delay",
      "1:38",
      "50ms",
    ],
    ['{"faults":[{"type":"latncy"}]}', "", 422, "SQ_INVALID_PROFILE", "faults[0].type", "1:20", '"latency"?'],
    ['{"faults":{}}', "", 422, "SQ_INVALID_ACTIVATION", "faults", "1:11", "a list"],
    ['{"profile":"slow","faults":[]}', "", 422, "SQ_INVALID_ACTIVATION", "faults", "1:28", "got both"],
    ['{"faults":[],"params":{"a":1}}', "", 422, "SQ_INVALID_ACTIVATION", "params", "1:23", "only faults"],
    ["{}", "", 422, "SQ_INVALID_ACTIVATION", "", "1:1", "expected a profile or faults"],
    ["[]", "", 422, "SQ_INVALID_ACTIVATION", "", "1:1", "expected a mapping"],
    ["", "", 422, "SQ_INVALID_ACTIVATION", "", "1:1", "got nothing"],
    ['{"profile":', "", 422, "SQ_INVALID_ACTIVATION", "", "1:12", "is not valid YAML"],
    [
      '{"profile":"slow","profile":"slow"}',
      "",
      422,
      "SQ_INVALID_ACTIVATION",
      "profile",
      "1:19",
      "given twice",
    ],
    ["a: 1\n---\nb: 2\n", "", 422, "SQ_INVALID_ACTIVATION", "", "3:1", "a second one"],
    ['{"activations":{}}', "", 422, "SQ_INVALID_ACTIVATION", "activations", "1:16", "a list"],
    ['{"activations":[],"seed":1}', "", 422, "SQ_INVALID_ACTIVATION", "seed", "1:19", "unknown key"],
    ['{"profile":{"length":{}}}', "", 422, "SQ_INVALID_ACTIVATION", "profile", "1:12", "text"],
    ['{"profile":{"length":{"valueOf":1}}}', "", 422, "SQ_INVALID_ACTIVATION", "profile", "1:12", "text"],
    ['{"activations":[5]}', "", 422, "SQ_INVALID_ACTIVATION", "activations[0]", "1:17", "a mapping"],
    ["profile=slow&sed=7", FORM, 422, "SQ_INVALID_ACTIVATION", "sed", "1:14", 'did you mean "seed"?'],
    ["profile=slow&seed=x", FORM, 422, "SQ_INVALID_ACTIVATION", "seed", "1:19", "a whole number"],
    ["profile=slow&profile=slow", FORM, 422, "SQ_INVALID_ACTIVATION", "profile", "1:14", "given twice"],
    ["profile=slow&x", FORM, 422, "SQ_INVALID_ACTIVATION", "", "1:14", "form data such as"],
    ["profile=%zz", FORM, 422, "SQ_INVALID_ACTIVATION", "", "1:1", "form data such as"],
    ["params=1&params.by=2", FORM, 422, "SQ_INVALID_ACTIVATION", "params", "1:10", "given twice"],
    ["profile: slow", FORM, 422, "SQ_INVALID_ACTIVATION", "", "1:1", "content-type: text/yaml"],
    [`a=1${"&a=1".repeat(1_000)}`, FORM, 422, "SQ_INVALID_ACTIVATION", "", "1:1", "more than 1000 values"],
  ])("answers %s (%s) with %i %s", async (body, type, status, code, path, at, part) => {
    const answer = await put(body, type === "" ? "application/json" : type);
    expect(answer).toMatchObject({ status, json: { code } });
    expect(answer.text.replaceAll('\\"', '"')).toContain(part);
    if (path !== null) {
      const [first] = answer.json.details;
      expect(`${first.path} ${first.line}:${first.column}`).toBe(`${path} ${at}`);
    }
    expect((await here.get("/active")).json.activations).toEqual([]);
  });

  it("tells all mistakes at once", async () => {
    const { json } = await put('{"profile":"slow","seed":"x","ttl":5}');
    expect(json.details.map(({ path }: { path: string }) => path)).toEqual(["seed", "ttl"]);
    expect(json.error).toContain("and 1 more mistake");
  });

  it("refuses unknown params and proxies, and params that are missing", async () => {
    expect((await put('{"profile":"slow","params":{"bye":1}}')).json.details[0]).toMatchObject({
      path: "params.bye",
      hint: 'did you mean "by"?',
    });
    expect((await put('{"profile":"slow","proxies":["job"]}')).json).toMatchObject({
      code: "SQ_INVALID_ACTIVATION",
      path: "proxies",
      hint: 'did you mean "jobs"?',
    });
    expect((await put('{"profile":"needs-too"}')).json.details[0].path).toBe("params.rate");
  });

  it("refuses more activations than there may be", async () => {
    const many = Array.from({ length: 101 }, () => '{"faults":[{"type":"latency","delay":"1ms"}]}');
    expect((await put(`{"activations":[${many.join(",")}]}`)).status).toBe(422);
    expect((await put(`{"activations":[${many.slice(1).join(",")}]}`)).status).toBe(200);
    expect((await post('{"profile":"slow"}')).json).toMatchObject({ code: "SQ_TOO_MANY", status: 429 });
  });
});

describe("POST /active", () => {
  it("switches on beside what is on", async () => {
    await put('{"profile":"slow"}');
    expect(ids(await post('{"profile":"restart"}'))).toEqual(["slow", "restart"]);
  });

  it("refuses what PUT refuses", async () => {
    expect((await post('{"profile":"nope"}')).status).toBe(404);
    expect((await post("{}")).status).toBe(422);
    expect((await post('{"faults":[{"type":"nope"}]}')).json.code).toBe("SQ_INVALID_PROFILE");
  });
});

describe("DELETE /active", () => {
  it("ends everything, and says how much that was", async () => {
    await put('{"activations":[{"profile":"slow"},{"profile":"restart"}]}');
    expect((await here.call("DELETE", "/active")).json).toMatchObject({ activations: [], ended: 2 });
    expect((await here.call("DELETE", "/active")).json).toMatchObject({ activations: [], ended: 0 });
  });

  it("ends one by its id", async () => {
    await put('{"activations":[{"profile":"slow"},{"profile":"restart"}]}');
    const answer = await here.call("DELETE", "/active/slow");
    expect(answer.json.ended).toBe(1);
    expect(ids(answer)).toEqual(["restart"]);
  });

  it("names the nearest id when there is none of that name", async () => {
    await put('{"profile":"slow"}');
    expect((await here.call("DELETE", "/active/slw")).json).toMatchObject({
      code: "SQ_ACTIVATION_NOT_FOUND",
      hint: 'did you mean "slow"?',
    });
    expect((await here.call("DELETE", "/active/%00%2F..%2F")).status).toBe(404);
  });
});
