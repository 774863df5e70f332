/** docs/admin-api.md and docs/errors.md are true: their commands are carried out and their answers compared. */
import { readFileSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_LIMITS } from "../../src/admin/house.js";
import { until } from "../support/lab.js";
import { AdminLab, type AdminAnswer } from "./admin-lab.js";
import { FleetStandIn } from "./fleet-stand-in.js";

const root = new URL("../../", import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), "utf8");

let here: AdminLab;

beforeAll(async () => {
  const files = readdirSync(new URL("profiles/", root)).map((file) => ({
    file,
    text: read(`profiles/${file}`),
    origin: "library" as const,
  }));
  here = await AdminLab.open({
    start: Date.UTC(2026, 2, 1, 14, 3, 7, 120),
    files,
    fleet: new FleetStandIn(),
  });
});

afterAll(async () => {
  await here.close();
});

/** Words of a command line, as a shell has them, without anything that only a shell can do. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/gu)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

/** Carries out a curl command, with the few options that the docs use. */
async function curl(command: string): Promise<AdminAnswer> {
  const [name, ...words] = wordsOf(command);
  expect(name, command).toBe("curl");
  let method: string | undefined;
  let body: string | undefined;
  let target = "";
  const headers: Record<string, string> = {};
  while (words.length > 0) {
    const word = words.shift() ?? "";
    if (word === "-X") method = words.shift();
    else if (word === "-d" || word === "--data-binary") body = words.shift();
    else if (word === "-H") headers["authorization"] = (words.shift() ?? "").replace(/^authorization: /u, "");
    else if (word !== "-N") target = word;
  }
  const path = /^localhost:8474(\/.*)$/u.exec(target)?.[1];
  if (path === undefined) throw new Error(`not a call of the admin port: ${command}`);
  if (path.startsWith("/events"))
    return { status: 200, headers: {}, text: await firstEvents(path, 3), json: undefined };
  if (path.startsWith("/live"))
    return { status: 200, headers: {}, text: await firstEvents(path, 1), json: undefined };
  const form = body === undefined ? {} : { body, type: "application/x-www-form-urlencoded" };
  return here.call(method ?? (body === undefined ? "GET" : "POST"), path, { headers, ...form });
}

async function firstEvents(path: string, count: number): Promise<string> {
  const socket = here.socket();
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  socket.write(`GET ${path} HTTP/1.0\r\n\r\n`);
  await until(() => text.split("\n\n").length > count);
  socket.destroy();
  return text.slice(text.indexOf("\r\n\r\n") + 4);
}

/** `…` stands for anything: as a value, as a key for further keys, as an entry for further entries. */
function expectLike(real: unknown, written: unknown, where: string): void {
  if (written === "…") return;
  if (Array.isArray(written)) {
    const open = written.at(-1) === "…" && written.length > 1;
    const entries = open ? written.slice(0, -1) : written;
    expect(Array.isArray(real), where).toBe(true);
    const list = real as unknown[];
    if (!open) expect(list.length, where).toBe(entries.length);
    for (const [index, entry] of entries.entries()) expectLike(list[index], entry, `${where}[${index}]`);
  } else if (typeof written === "object" && written !== null) {
    const { "…": more, ...keys } = written as Record<string, unknown>;
    if (more === undefined)
      expect(Object.keys(real as object).sort(), where).toEqual(Object.keys(keys).sort());
    for (const [key, value] of Object.entries(keys)) {
      expectLike((real as Record<string, unknown>)[key], value, `${where}.${key}`);
    }
  } else {
    expect(real, where).toEqual(written);
  }
}

function expectAnswer(real: AdminAnswer, language: string, written: string): void {
  if (language === "json") {
    expectLike(real.json, JSON.parse(written) as unknown, "answer");
    return;
  }
  const escaped = written.trim().replaceAll(/[.*+?^${}()|[\]\\]/gu, "\\$&");
  expect(real.text.trim()).toMatch(new RegExp(`^${escaped.replaceAll("…", ".*")}`, "u"));
}

describe.each(["docs/admin-api.md", "docs/errors.md"])("%s", (file) => {
  it("has commands that answer what it says", async () => {
    let last: AdminAnswer | null = null;
    let compared = 0;
    for (const [, language = "", block = ""] of read(file).matchAll(/^```(\w+)\n(.*?)^```$/gmsu)) {
      if (language === "sh") {
        for (const command of block.split(/\n(?=curl )/u)) last = await curl(command.trim());
      } else if (last !== null) {
        expectAnswer(last, language, block);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(0);
  });
});

describe("docs/admin-api.md", () => {
  const text = read("docs/admin-api.md");

  it("has a row for each call, and each row is a call", () => {
    const rows = [...text.matchAll(/^\| `([A-Z]+ \/[^`]*)` \|/gmu)].map(([, call]) => call);
    const calls = Object.entries(here.contract.document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(rows.toSorted()).toEqual(calls.toSorted());
  });

  it("says what the limits are", () => {
    const { bodyBytes, headerBytes, requestTimeout, answerTimeout, connections, streams, polls } =
      ADMIN_LIMITS;
    for (const row of [
      `${bodyBytes / 2 ** 20} MiB by default: 413`,
      `${headerBytes / 2 ** 10} KiB by default: 431`,
      `arrive | ${requestTimeout / 1_000} s: 408`,
      `a response | ${answerTimeout / 1_000} s`,
      `connections | ${connections} |`,
      `long polls | ${streams}, ${polls}: 429`,
    ]) {
      expect(text).toContain(row);
    }
  });
});
