/** How many questions a second a dns proxy answers from its records on loopback, with 200 under way at once. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { address, dnsProxy, question } from "../support/dns-lab.js";
import { Lab } from "../support/lab.js";

const QUESTIONS = 200_000;
const UNDER_WAY = 200;
const RATE_MIN = 20_000;

const CLIENT = `
  const { createSocket } = require("node:dgram");
  const { workerData, parentPort } = require("node:worker_threads");
  const question = Buffer.from(workerData.question);
  const socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
  let answered = 0, sent = 0;
  const send = () => { if (sent < ${QUESTIONS}) { sent++; socket.send(question); } };
  socket.connect(workerData.port, "127.0.0.1", () => {
    const began = performance.now();
    socket.on("message", () => {
      if (++answered < ${QUESTIONS}) { send(); return; }
      parentPort.postMessage(performance.now() - began);
      socket.close();
    });
    for (let n = 0; n < ${UNDER_WAY}; n++) send();
  });
`;

it(`answers ${RATE_MIN} questions a second from records`, async () => {
  const lab = new Lab();
  const proxy = await dnsProxy(lab, { records: [address("jobs.test", "10.0.0.1")] });
  const workerData = { question: question("jobs.test", "A"), port: proxy.address.port };
  const client = new Worker(CLIENT, { eval: true, workerData });
  const [millis] = (await once(client, "message")) as [number];
  const rate = Math.round((QUESTIONS / millis) * 1_000);
  console.log(`${rate} questions a second`);
  expect(rate).toBeGreaterThan(RATE_MIN);
  await lab.close();
});
