/** What an error of TLS says of whoever sent an alert, by this runtime's own words. */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { connect } from "node:tls";
import { expect, it } from "vitest";
import { ALERT_NAMES } from "../../src/faults/contract/index.js";
import { alertOf } from "../../src/proxy/client-failure.js";
import { plainAlert } from "../../src/tls/alert.js";

/** It is the end, and no error. */
const NO_ERROR = "close_notify";

it.each(ALERT_NAMES.filter((name) => name !== NO_ERROR))("%s is known by its number", async (name) => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined).once("data", () => socket.write(plainAlert(name)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // Both sides' errors are worded by the same OpenSSL.
  const client = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  const error = await new Promise<Error>((resolve) => client.once("error", resolve));
  client.destroy();
  server.close();
  expect(alertOf(error)).toBe(name);
});
