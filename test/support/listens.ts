/** Waits for a server that was started. */
import type { ChildProcess } from "node:child_process";
import { connect } from "node:net";

/** Resolves when something takes connections on that port of 127.0.0.1; rejects if the process ends before. */
export async function listens(port: number, child: ChildProcess, said: () => string): Promise<void> {
  let problem: Error | null = null;
  child.once("error", (error) => (problem = error));
  child.once("exit", () => (problem ??= new Error(`it has ended:\n${said()}`)));
  for (;;) {
    if (problem !== null) throw problem as Error;
    const isUp = await new Promise<boolean>((done) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => {
        socket.destroy();
        done(true);
      });
      socket.once("error", () => {
        done(false);
      });
    });
    if (isUp) return;
    await new Promise((done) => setTimeout(done, 10));
  }
}
