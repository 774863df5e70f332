/** What curl makes of each answer that http_malformed breaks: its exit codes, which differ between its versions. */
import { execFile, spawnSync } from "node:child_process";
import { afterEach, expect, it } from "vitest";
import { fault } from "../../../support/lab.js";
import { httpTimeLab, ok } from "../../../support/http-lab.js";

const missing = spawnSync("curl", ["--version"]).error !== undefined;
const needs = missing ? " (needs: curl)" : "";

let close: () => Promise<void>;
afterEach(() => close());

function codeOfCurl(port: number): Promise<unknown> {
  return new Promise((resolve) => {
    const words = ["--silent", "--http1.1", "--max-time", "60", `http://127.0.0.1:${port}/a`];
    execFile("curl", words, { encoding: "latin1" }, (error) => {
      resolve(error === null ? 0 : error.code);
    });
  });
}

it.skipIf(missing).each([
  ["status_line", [1, 8, 0]],
  ["header", [0, 1, 8, 43, 56]],
  ["chunk", [56]],
  ["length", [8]],
  ["garbage", [1, 8]],
  ["empty", [52]],
] as const)(`curl says of %s what it says of such answers${needs}`, async (mode, codes) => {
  const { lab } = httpTimeLab();
  close = () => lab.close();
  const server = await lab.scripted(() => ok("hello"));
  const proxy = await lab.http(server.port);
  lab.use([fault("http_malformed", { mode })]);
  expect(codes).toContain(await codeOfCurl(proxy.address.port));
});
