/** Answers GET with a body of a given length, and reads what it is sent, over HTTP with as little of it as possible. */
import { createServer } from "node:net";
import { ready } from "../lib/worker.mjs";

const LENGTH = Number(process.argv[2]);
const ANSWER = Buffer.concat([
  Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: ${LENGTH}\r\n\r\n`,
  ),
  Buffer.alloc(LENGTH, "squall "),
]);
const THANKS = Buffer.from("HTTP/1.1 204 No Content\r\n\r\n");

/** Only for clients that send a head in one piece, and nothing before they have their answer. */
const server = createServer({ noDelay: true }, (socket) => {
  let expected = 0;
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    let length = chunk.length;
    if (expected === 0) {
      const head = chunk.toString("latin1", 0, chunk.indexOf("\r\n\r\n") + 4);
      if (head.startsWith("GET")) return void socket.write(ANSWER);
      expected = Number(/content-length: (\d+)/iu.exec(head)[1]);
      length -= head.length;
    }
    expected -= length;
    if (expected === 0) socket.write(THANKS);
  });
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => ready({ port: server.address().port }));
