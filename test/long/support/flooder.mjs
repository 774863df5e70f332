/**
 * Servers that send as much as they can, in a process of their own. Prints their ports as JSON:
 * `bytes` to whoever connects; `headers`, `trailers`, `extensions` and `interim` without end in answer to a request;
 * `early` answers that nobody asked for; `stuck` reads nothing; `datagrams` and `answers` (of DNS) to whoever has sent one.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

const PIECE = Buffer.alloc(64 * 1024, "flood ");

/** Writes pieces until the socket takes no more, again and again. */
function pour(socket, piece) {
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on("drain", more);
  more();
}

const many = (line) => Buffer.from(line.repeat(Math.ceil((64 * 1024) / line.length)));

/** Says the beginning to a request, and then that without end. */
const answering = (beginning, piece) => (socket) => {
  socket.once("data", () => {
    socket.resume();
    socket.write(beginning);
    pour(socket, piece);
  });
};

const SERVERS = {
  bytes: (socket) => {
    socket.resume();
    pour(socket, PIECE);
  },
  headers: answering("HTTP/1.1 200 OK\r\n", many("x-more: and more\r\n")),
  trailers: answering(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    many("x-more: and more\r\n"),
  ),
  extensions: answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", many("and=more;")),
  interim: answering("", many("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")),
  early: (socket) => {
    socket.resume();
    pour(socket, many("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  },
  stuck: (socket) => {
    socket.pause();
  },
};

const ports = {};
for (const [name, serve] of Object.entries(SERVERS)) {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    serve(socket);
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
  await once(server, "listening");
  ports[name] = server.address().port;
}

/** As fast as this process can, in bursts, so that it hears of the next one. */
function flood(name, makeOne) {
  const socket = createSocket({ type: "udp4", sendBufferSize: 4 << 20 });
  const guests = new Map();
  let n = 0;
  const burst = () => {
    for (const { port, address } of guests.values())
      for (let i = 0; i < 50; i++) socket.send(makeOne(n++), port, address, () => undefined);
    if (guests.size > 0) setImmediate(burst);
  };
  socket.on("message", (_message, from) => {
    const first = guests.size === 0;
    guests.set(`${from.address} ${from.port}`, from);
    if (first) burst();
  });
  socket.bind(0, "127.0.0.1");
  return once(socket, "listening").then(() => {
    ports[name] = socket.address().port;
  });
}

await flood("datagrams", () => Buffer.alloc(1200, "x"));
await flood("answers", (n) => {
  const message = Buffer.alloc(512);
  message.writeUInt16BE(n % 65_536, 0);
  message.writeUInt16BE(0x8180, 2);
  return message;
});
console.log(JSON.stringify(ports));
