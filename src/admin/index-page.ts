/** `GET /`: what there is, for people who opened the admin port in a terminal. A browser is sent to the dashboard (page.ts). */
import type { Route } from "./route.js";

export function textIndex(routes: readonly Route[], version: string): string {
  const lines = routes.map(({ method, path, summary }) => `${call(method, path)}  ${summary}`);
  return `squall ${version}\n\n${lines.join("\n")}\n`;
}

function call(method: string, path: string): string {
  return `${method.toUpperCase().padEnd(6)} ${path}`.padEnd(36);
}
