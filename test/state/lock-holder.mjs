// Holds the lock of a state file as a dead daemon would have left it: binds the socket and waits to be killed.
import { createServer } from "node:net";

createServer().listen(process.argv[2], () => process.stdout.write("held\n"));
