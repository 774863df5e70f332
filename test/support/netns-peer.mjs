/** What runs inside a network namespace: `echo port` answers a byte with a byte, `ask …` measures exchanges of one byte each way. */
import { connect, createServer } from "node:net";

const [, , role, ...words] = process.argv;

if (role === "echo") {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  server.listen(Number(words[0]), "::", () => {
    console.log("listening");
  });
} else {
  const { host, port, connections, exchanges, from } = JSON.parse(words[0]);
  const one = () =>
    new Promise((resolve) => {
      const socket = connect({
        host,
        port,
        noDelay: true,
        ...(from === undefined ? {} : { localAddress: from }),
      });
      const times = [];
      let begun = 0;
      const ask = () => {
        begun = performance.now();
        socket.write("x");
      };
      socket.on("connect", ask);
      socket.on("error", (error) => {
        resolve({ times, error: error.code });
      });
      socket.on("data", () => {
        times.push(performance.now() - begun);
        // The first warms the connection up, and is not counted.
        if (times.length <= exchanges) ask();
        else {
          socket.end();
          resolve({ times: times.slice(1) });
        }
      });
    });
  const all = await Promise.all(Array.from({ length: connections }, one));
  console.log(
    JSON.stringify({
      times: all.flatMap(({ times }) => times),
      errors: all.flatMap(({ error }) => error ?? []),
    }),
  );
  process.exit(0);
}
