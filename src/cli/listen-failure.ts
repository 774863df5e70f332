/** Why a port of a command cannot be had, by the option that asks for it. Errors of the system say a number and a syscall. */
import { ownerOf } from "../proxy/sockets/owner.js";
import { CommandError, EXIT } from "./io.js";

/** Throws for what is no matter of a port or an address. */
export async function listenFailure(error: unknown, host: string, port: number): Promise<CommandError> {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const said = (text: string): CommandError => new CommandError(EXIT.failed, text);
  const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  if (code === "EADDRINUSE") {
    const owner = await ownerOf("tcp", port);
    return said(`--port: ${where} is in use${owner === null ? "" : ` (${owner})`}`);
  }
  if (syscall === "listen" && code === "EACCES") return said(`--port: this user may not listen on ${where}`);
  if (syscall === "getaddrinfo") return said(`--host: no address is found for ${JSON.stringify(host)}`);
  if (syscall === "listen" || syscall === "bind")
    return said(`--host: ${host} is no address of this machine (${code ?? "unknown"})`);
  throw error;
}
