/** The names of bots that speak TLS: one and the same in a fault's hit, in its draw and in what is told of the handshake. */
import { afterEach, expect, it } from "vitest";
import type { IdentifyRule } from "../../../src/config/identify.js";
import { get, ok } from "../../support/http-lab.js";
import { fault } from "../../support/lab.js";
import { SecureLab, secureSpec } from "../../support/secure-lab.js";

let lab = new SecureLab();
afterEach(async () => {
  await lab.close();
  lab = new SecureLab();
});

const SNI: IdentifyRule = { by: "sni" };
const HEADER: IdentifyRule = { by: "header", name: "x-bot-id" };
const CERTIFICATE: IdentifyRule = { by: "certificate", field: "cn" };

it.each<[string, readonly IdentifyRule[], string]>([
  ["the name that it asks for", [SNI], "jobs.example"],
  ["that, though a request could say more", [SNI, HEADER], "jobs.example"],
  ["its address, where a request is asked first", [HEADER, SNI], "127.0.0.1"],
  ["its address, where a certificate is asked first", [CERTIFICATE, SNI], "127.0.0.1"],
  ["its address, where that comes first", [{ by: "client" }, SNI], "127.0.0.1"],
])("are %s", async (_, identify, bot) => {
  const server = await lab.scripted(() => ok("hello"));
  for (const proxy of [
    await lab.http(server.port, { name: "http", secure: secureSpec(), identify }),
    await lab.proxy(server.port, { name: "tcp", secure: secureSpec(), identify }),
  ]) {
    lab.facts.all.length = 0;
    lab.use([fault("tls_certificate", { problem: "expired" })]);
    expect((await lab.sees(proxy, {}, get("/"))).how).toBe("CERT_HAS_EXPIRED");
    const over = await lab.facts.first("tls_over");
    expect([lab.facts.hits(), over.bot]).toEqual([[`tls_certificate presented ${bot}`], bot]);
  }
});
