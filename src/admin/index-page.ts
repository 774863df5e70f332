/** `GET /`: what there is, for people who opened the admin port in a terminal or a browser. */
import type { Route } from "./route.js";

export function textIndex(routes: readonly Route[], version: string): string {
  const lines = routes.map(({ method, path, summary }) => `${call(method, path)}  ${summary}`);
  return `squall ${version}\n\n${lines.join("\n")}\n`;
}

function call(method: string, path: string): string {
  return `${method.toUpperCase().padEnd(6)} ${path}`.padEnd(36);
}

/** Paths and summaries are ours, so there is nothing in them to escape. */
export function htmlIndex(routes: readonly Route[], version: string): string {
  const rows = routes.map(({ method, path, summary }) => {
    const linked = method === "get" && !path.includes("{") ? `<a href="${path}">${path}</a>` : path;
    return `<tr><td>${method.toUpperCase()}<td>${linked}<td>${summary}`;
  });
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>squall</title>
<h1>squall ${version}</h1>
<table>
${rows.join("\n")}
</table>
`;
}
