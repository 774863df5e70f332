/** A listener on one of the ports that `fetch` refuses, as a browser does. */
import type { Server } from "node:net";

/** Some of those of WHATWG Fetch, "port blocking"; none needs a privilege. */
const FORBIDDEN = [
  10_080, 6_697, 6_669, 6_668, 6_667, 6_666, 6_665, 6_566, 6_000, 5_061, 5_060, 4_190, 4_045,
];

/** On the first of these ports that is free here; answers its number. `make` is asked for one server for each attempt. */
export async function onForbiddenPort<S extends Server>(
  make: () => S,
): Promise<{ readonly server: S; readonly port: number }> {
  for (const port of FORBIDDEN) {
    const server = make();
    const listens = await new Promise<boolean>((resolve) => {
      server.once("error", () => {
        resolve(false);
      });
      server.listen(port, "127.0.0.1", () => {
        resolve(true);
      });
    });
    if (listens) return { server, port };
  }
  throw new Error("all of these ports are taken");
}
