/** An RST always goes out, and the socket always says that it has closed: a connection that is never over holds up the daemon's end. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, it } from "vitest";
import { resetSocket } from "../../../src/proxy/upstream/reader.js";
import { Client, Lab } from "../../support/lab.js";

let lab: Lab;
let peers: Client[];
let port: number;

beforeEach(async () => {
  lab = new Lab();
  peers = [];
  port = await lab.server((socket) => {
    peers.push(new Client(socket));
  });
});

afterEach(() => lab.close());

async function dialled(): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  lab.onEnd(() => socket.destroy());
  await once(socket, "connect");
  socket.write("hello");
  return socket;
}

const MOMENTS: Record<string, (socket: Socket, reset: () => void) => void> = {
  "while nothing is under way": (_socket, reset) => {
    reset();
  },
  "in the turn in which it was ended": (socket, reset) => {
    socket.end();
    reset();
  },
  "while its FIN is being sent": (socket, reset) => {
    socket.end();
    process.nextTick(reset);
  },
  "when its FIN has gone": (socket, reset) => {
    socket.end();
    socket.once("finish", reset);
  },
};

for (const [moment, act] of Object.entries(MOMENTS)) {
  it(`resets a socket ${moment}, and hears that it has closed`, async () => {
    const socket = await dialled();
    while (peers[0]?.text !== "hello") await new Promise((resolve) => setImmediate(resolve));
    const closed = once(socket, "close");
    act(socket, () => {
      resetSocket(socket);
    });
    await closed;
    await peers[0].broken();
  });
}
