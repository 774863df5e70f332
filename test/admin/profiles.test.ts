/** The profile library over HTTP. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AdminLab, type AdminAnswer } from "./admin-lab.js";

let here: AdminLab;

beforeEach(async () => {
  here = await AdminLab.open();
});

afterEach(async () => {
  await here.close();
});

const put = (name: string, body: string, type?: string): Promise<AdminAnswer> =>
  here.call("PUT", `/profiles/${name}`, { body, ...(type === undefined ? {} : { type }) });

const QUICK = "profile: quick\nfaults:\n  - { type: latency, delay: 1ms }\n";

describe("GET /profiles", () => {
  it("lists all of them with what must be given, inherited params among it", async () => {
    const { json } = await here.get("/profiles");
    expect(json.profiles.map(({ name }: { name: string }) => name)).toEqual([
      "needs",
      "needs-too",
      "restart",
      "slow",
    ]);
    expect(json.profiles[1].params).toEqual([
      { name: "rate", summary: "how much goes through", required: true },
    ]);
    expect(json.profiles[3]).toMatchObject({
      tags: ["latency"],
      source: "profiles/slow.yaml",
      origin: "file",
      shadows: false,
      active: false,
      params: [{ name: "by", required: false, default: "200ms" }],
    });
  });

  it("says which are on", async () => {
    await here.call("PUT", "/active", { body: '{"profile":"slow"}' });
    expect((await here.get("/profiles/slow")).json.active).toBe(true);
  });
});

describe("GET /profiles/{name}", () => {
  it("answers the text and a sentence for each fault", async () => {
    const { json } = await here.get("/profiles/slow");
    expect(json.text).toContain("profile: slow");
    expect(json.explanation).toHaveLength(1);
    expect(json.explanation[0]).toContain("200ms");
  });

  it("answers what breaks and what survives it, of the profile's own words only", async () => {
    const told = "breaks: Deadlines.\nsurvives: Waits.\n";
    expect(
      (await put("hard", `profile: hard\n${told}faults: [{ type: latency, delay: 1ms }]\n`)).status,
    ).toBe(201);
    await put("heir", "profile: heir\nextends: [hard]\n");
    expect((await here.get("/profiles/hard")).json).toMatchObject({
      breaks: "Deadlines.",
      survives: "Waits.",
    });
    expect((await here.get("/profiles/heir")).json).toMatchObject({ breaks: "", survives: "" });
    const { profiles } = (await here.get("/profiles")).json;
    expect(profiles[0]).toMatchObject({ name: "hard", breaks: "Deadlines.", survives: "Waits." });
  });

  it("refuses words about it that hang on params", async () => {
    for (const key of ["breaks", "survives"]) {
      const { status, json } = await put("hung", `profile: hung\n${key}: "\${by}"\nparams: { by: 1 }\n`);
      expect([status, json.error]).toEqual([422, expect.stringContaining(key)]);
    }
  });

  it("explains nothing while a param must be given first", async () => {
    expect((await here.get("/profiles/needs-too")).json.explanation).toBeNull();
  });

  it("answers the text alone where YAML is asked for", async () => {
    for (const [path, accept] of [
      ["/profiles/slow?format=yaml", "application/json"],
      ["/profiles/slow", "text/yaml"],
      ["/profiles/slow", "application/yaml, application/json;q=0.5"],
    ] as const) {
      const { headers, text } = await here.get(path, { headers: { accept } });
      expect(headers["content-type"]).toBe("text/yaml; charset=utf-8");
      expect(text).toMatch(/^profile: slow\n/u);
    }
    for (const accept of ["*/*", "text/html", "application/json, text/yaml"]) {
      expect((await here.get("/profiles/slow", { headers: { accept } })).json.name).toBe("slow");
    }
    const { json } = await here.get("/profiles/slow?format=json", { headers: { accept: "text/yaml" } });
    expect(json.name).toBe("slow");
    expect((await here.get("/profiles/slow?format=yml")).json).toMatchObject({
      code: "SQ_BAD_PARAM",
      hint: 'did you mean "yaml"?',
    });
  });

  it("names the nearest profile when there is none of that name", async () => {
    expect((await here.get("/profiles/slo")).json).toMatchObject({ hint: 'did you mean "slow"?' });
    for (const name of ["..%2F..%2Fetc%2Fpasswd", "%00", "a".repeat(5_000), "__proto__", "%F0%9F%92%A9"]) {
      expect((await here.get(`/profiles/${name}`)).json, name).toMatchObject({
        code: "SQ_PROFILE_NOT_FOUND",
      });
    }
  });
});

describe("PUT /profiles/{name}", () => {
  it("answers 201 for a new one and 200 for one that is replaced", async () => {
    const made = await put("quick", QUICK);
    expect(made).toMatchObject({ status: 201, json: { name: "quick", origin: "memory", shadows: false } });
    const replaced = await put("quick", QUICK.replace("1ms", "2ms"));
    expect(replaced.status).toBe(200);
    expect(replaced.json.explanation[0]).toContain("2ms");
  });

  it("shadows the profile of a file", async () => {
    const shadow = await put("slow", "profile: slow\nfaults: [{ type: latency, delay: 9ms }]\n");
    expect(shadow).toMatchObject({ status: 200, json: { origin: "memory", shadows: true } });
    expect((await here.call("DELETE", "/profiles/slow")).status).toBe(204);
    expect((await here.get("/profiles/slow")).json).toMatchObject({ origin: "file", shadows: false });
  });

  it("takes JSON as well, and any content type", async () => {
    const body = JSON.stringify({ profile: "quick", faults: [{ type: "latency", delay: "1ms" }] });
    for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded", "image/png"]) {
      expect((await put("quick", body, type)).json.name).toBe("quick");
      expect((await put("quick", QUICK, type)).json.name).toBe("quick");
    }
  });

  it("takes one whose params must be given later, inherited ones too", async () => {
    const { status, json } = await put("mine", "profile: mine\nextends: needs\n");
    expect(status).toBe(201);
    expect(json).toMatchObject({ explanation: null, params: [{ name: "rate", required: true }] });
  });

  it("answers mistakes with their positions", async () => {
    const { status, json } = await put("quick", QUICK.replace("faults", "faluts"));
    expect(status).toBe(422);
    expect(json).toMatchObject({
      code: "SQ_INVALID_PROFILE",
      details: [{ file: "request", line: 2, column: 1, path: "faluts", hint: 'did you mean "faults"?' }],
    });
    expect((await put("quick", QUICK.replace("1ms", "1"))).json.details[0]).toMatchObject({
      line: 3,
      column: 29,
      path: "faults[0].delay",
      source: "  - { type: latency, delay: 1 }",
    });
    expect((await here.get("/profiles/quick")).status).toBe(404);
  });

  it.each([
    ["another", QUICK, 'expected the name "another"'],
    ["quick", "", "got nothing"],
    ["quick", "[]", "expected a profile"],
    ["quick", `${QUICK}---\n${QUICK.replace("quick", "second")}`, "got a second one"],
    ["none", "profile: none\n", "is reserved"],
    ["Quick", "profile: Quick\n", "lower-case"],
    ["quick", "{".repeat(100), "nested more than 32 levels deep"],
    ["quick", "a: &a [*a]\nprofile: quick\n", "within itself"],
    ["quick", "profile: !!js/function x\n", "not supported"],
  ])("refuses for %s what is not its profile", async (name, body, part) => {
    const { status, text } = await put(name, body);
    expect(status).toBe(422);
    expect(text.replaceAll('\\"', '"')).toContain(part);
  });

  it("says what curl -d does to files", async () => {
    const { json } = await put("quick", QUICK.replaceAll("\n", ""), "application/x-www-form-urlencoded");
    expect(json).toMatchObject({
      code: "SQ_INVALID_PROFILE",
      hint: expect.stringContaining("--data-binary") as string,
    });
  });

  it("gives a profile that is on its new text, or refuses it whole", async () => {
    await here.call("PUT", "/active", { body: '{"profile":"slow","params":{"by":"5ms"}}' });
    const refused = await put("slow", "profile: slow\nfaults: [{ type: latency, delay: 9ms }]\n");
    expect(refused).toMatchObject({ status: 422, json: { code: "SQ_INVALID_ACTIVATION" } });
    expect((await here.get("/profiles/slow")).json.origin).toBe("file");
    const taken = "profile: slow\nparams: { by: 1s }\nfaults: [{ type: reset, after: '${by}' }]\n";
    expect((await put("slow", taken)).status).toBe(200);
    expect((await here.get("/status")).json.proxies[0].faults).toMatchObject([{ type: "reset" }]);
  });
});

describe("DELETE /profiles/{name}", () => {
  it("takes one that was made through the API away, and ends it where it is on", async () => {
    await put("quick", QUICK);
    await here.call("PUT", "/active", { body: '{"profile":"quick"}' });
    expect((await here.call("DELETE", "/profiles/quick")).status).toBe(204);
    expect((await here.get("/active")).json.activations).toEqual([]);
    expect((await here.call("DELETE", "/profiles/quick")).json.code).toBe("SQ_PROFILE_NOT_FOUND");
  });

  it("leaves those of files alone", async () => {
    expect(await here.call("DELETE", "/profiles/slow")).toMatchObject({
      status: 409,
      json: { code: "SQ_PROFILE_IN_FILE", error: expect.stringContaining("profiles/slow.yaml") as string },
    });
  });

  it("leaves one alone that others build on", async () => {
    await put("quick", QUICK);
    await put("more", "profile: more\nextends: quick\n");
    expect((await here.call("DELETE", "/profiles/quick")).json.code).toBe("SQ_INVALID_PROFILE");
    expect((await here.get("/profiles/quick")).status).toBe(200);
  });
});
