// What `squall sweep` judges here: a few jobs, and a bot that does them. Ends with 0 when the bot says that all of them are done, and with
// another code when it gives up. How well they were done is the business of check.mjs and of the server's audit.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const {
  JOBS_URL, // through Squall
  NAMES, // where the name in it is known, also through Squall
  JOBS_SERVER, // the server itself, for whoever submits
  JOBS = "3",
  BOTS = "1",
  SQUALL = "squall",
  BOT_FLAGS = "",
} = process.env;

async function submit(number) {
  // The last one comes with its payload as a body, which the bot fetches, and hands in again.
  const last = number === Number(JOBS);
  const wishes = JSON.stringify({ duration: "200ms", ...(last ? {} : { artifact_bytes: 100_000 }) });
  const query = new URLSearchParams({ type: "example", payload: wishes });
  const response = last
    ? await fetch(`${JOBS_SERVER}/v1/jobs?${query}`, {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: Buffer.alloc(20_000, "payload "),
      })
    : await fetch(`${JOBS_SERVER}/v1/jobs`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ type: "example", payload: JSON.parse(wishes) }),
      });
  if (!response.ok) throw new Error(`the job was not taken: ${response.status} ${await response.text()}`);
  return (await response.json()).id;
}

const open = new Set();
for (let number = 1; number <= Number(JOBS); number++) open.add(await submit(number));

const options = [
  "--server",
  JOBS_URL,
  "--dns-server",
  NAMES,
  "--wait",
  "1s",
  "--timeout",
  "1s",
  "--seed",
  "1",
];
const [program, ...words] = [...SQUALL.split(" "), "bot", "--json", ...options];
const bots = Array.from({ length: Number(BOTS) }, (_, index) =>
  spawn(program, [...words, "--name", `bot-${index + 1}`, ...BOT_FLAGS.split(" ").filter(Boolean)], {
    stdio: ["ignore", "pipe", "inherit"],
  }),
);
let told = false;
const listen = async (bot) => {
  for await (const line of createInterface({ input: bot.stdout })) {
    console.log(line);
    const { event, job } = JSON.parse(line);
    if (event === "completed" || event === "failed") open.delete(job);
    if (open.size > 0 || told) continue;
    told = true;
    for (const one of bots) one.kill("SIGTERM");
  }
  // One that ends by itself has said why on standard error.
  if (!told) process.exitCode = 1;
};
await Promise.all(bots.map(listen));
