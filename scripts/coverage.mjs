/**
 * `npm run coverage`: runs the tests that the rows of the users' coverage table name, and writes docs/coverage.md from what came of
 * them. `--results FILE` takes the results of a run that has been (vitest run --reporter=json --outputFile=FILE).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import process from "node:process";

const ROOT = resolve(import.meta.dirname, "..");
const STORIES = "test/e2e/mock-server.all.test.ts";
const MATRIX = "test/e2e/matrix.all.test.ts";
const INTEGRATION = "test/e2e/integration.test.ts";

const survived = (profile) => new RegExp(`lets the reference bot through ${profile} `, "u");
const caught = (profile) => new RegExp(`catches \\S+ with ${profile}$`, "u");

/** Area, row, profiles, file, and which of its tests: all that match must have passed, and at least one of each. */
const ROWS = [
  ["Integration", "Mock server", [], INTEGRATION, [/^mock_server_integration/u]],
  ["Integration", "Job lifecycle", [], INTEGRATION, [/^complete_job_lifecycle/u]],
  ["Server failures", "Crash", ["server-crash"], STORIES, [/^mock_server_crash_recovery/u]],
  ["Server failures", "Restart", ["server-restart"], STORIES, [/^mock_server_restart_reconnection/u]],
  ["Server failures", "Data corruption", ["data-corruption"], MATRIX, [survived("data-corruption")]],
  ["Server failures", "Overload", ["overload"], MATRIX, [survived("overload")]],
  ["Network", "High latency", ["high-latency"], STORIES, [/^mock_server_high_latency_handling/u]],
  ["Network", "Packet loss", ["packet-loss"], MATRIX, [survived("packet-loss")]],
  ["Network", "DNS failure", ["dns-failure"], MATRIX, [survived("dns-failure"), caught("dns-failure")]],
  ["Network", "Load balancer", ["lb-flapping"], MATRIX, [survived("lb-flapping"), caught("lb-flapping")]],
  ["Load", "Many bots", ["many-bots"], STORIES, [/^mock_server_multiple_bot_handling/u]],
  ["Load", "High job volume", ["contention"], STORIES, [/^mock_server_high_job_volume/u]],
  ["Load", "Resource contention", ["contention"], MATRIX, [survived("contention")]],
  ["Edge cases", "Large payloads", ["large-payloads"], STORIES, [/^mock_server_large_job_payloads/u]],
  ["Edge cases", "Long-running jobs", ["long-running-jobs"], MATRIX, [survived("long-running-jobs")]],
  ["Edge cases", "Job dependencies", ["job-dependencies"], MATRIX, [survived("job-dependencies")]],
  [
    "Security",
    "Token expiration",
    ["token-expiry"],
    MATRIX,
    [survived("token-expiry"), caught("token-expiry")],
  ],
  ["Security", "Invalid tokens", ["invalid-token"], MATRIX, [survived("invalid-token")]],
  ["Security", "Rate limiting", ["rate-limit"], MATRIX, [survived("rate-limit"), caught("rate-limit")]],
];

const INTRO = `# Coverage

Made by \`npm run coverage\` from the results of the tests themselves. The heavy stories are told here in small, and in full by \`npm run long\`
(\`test/long/mock-server.test.ts\`: 200 bots, 256 MiB, five kills). Which flaw each profile exposes is in [the matrix](matrix.md).
`;

/** File -> full names of its tests -> whether they passed. */
function results() {
  const at = process.argv.indexOf("--results");
  if (at !== -1) return readResults(process.argv[at + 1]);
  const folder = mkdtempSync(join(tmpdir(), "squall-coverage-"));
  try {
    const file = join(folder, "results.json");
    const files = [...new Set(ROWS.map(([, , , test]) => test))];
    const words = [
      "vitest",
      "run",
      "--config=vitest.all.config.ts",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${file}`,
      ...files,
    ];
    spawnSync("npx", words, { cwd: ROOT, stdio: "inherit" });
    return readResults(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readResults(file) {
  const { testResults } = JSON.parse(readFileSync(file, "utf8"));
  return new Map(
    testResults.map(({ name, assertionResults }) => [
      relative(ROOT, name),
      assertionResults.map(({ ancestorTitles, title, status }) => ({
        name: [...ancestorTitles, title].join(" ").replace(/^the matrix /u, ""),
        passed: status === "passed",
      })),
    ]),
  );
}

function stateOf(tests, patterns) {
  const found = patterns.map((pattern) => tests.filter(({ name }) => pattern.test(name)));
  if (found.some((some) => some.length === 0)) return "missing";
  return found.flat().every(({ passed }) => passed) ? "covered" : "failing";
}

const byFile = results();
const states = ROWS.map(([, , , file, patterns]) => stateOf(byFile.get(file) ?? [], patterns));
const lines = ROWS.map(([area, row, profiles, file, patterns], index) => {
  const tests = (byFile.get(file) ?? []).filter(({ name }) => patterns.some((pattern) => pattern.test(name)));
  const names = tests.map(({ name }) => name.replaceAll("|", "/")).join("<br>");
  const links = profiles.map((profile) => `[${profile}](profile-library.md#${profile})`).join(", ");
  return `| ${area} | ${row} | ${links || "none: an idle Squall"} | \`${file}\`: ${names} | ${states[index]} |`;
});
const page = [INTRO, "| area | row | profile | test | state |", "|---|---|---|---|---|", ...lines, ""].join(
  "\n",
);
writeFileSync(join(ROOT, "docs/coverage.md"), page);
const covered = states.filter((state) => state === "covered").length;
process.stdout.write(`docs/coverage.md: ${covered} of ${ROWS.length} rows are covered\n`);
process.exitCode = covered === ROWS.length ? 0 : 1;
