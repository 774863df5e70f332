/** One call to the admin API, timed. */
import { request } from "node:http";

export function call(base, method, path, body) {
  const from = performance.now();
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers =
      text === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    const asked = request(`${base}${path}`, { method, headers, timeout: 30_000 }, (response) => {
      let answer = "";
      response.setEncoding("utf8").on("data", (part) => (answer += part));
      response.on("error", reject);
      response.on("end", () => {
        const millis = performance.now() - from;
        const { statusCode } = response;
        if (statusCode >= 400) return reject(new Error(`${method} ${path}: ${statusCode} ${answer.trim()}`));
        const json = response.headers["content-type"]?.includes("json") === true;
        resolve({ millis, status: statusCode, body: json ? JSON.parse(answer) : answer });
      });
    });
    asked.on("error", reject).on("timeout", () => asked.destroy(new Error(`${method} ${path}: no answer`)));
    asked.end(text);
  });
}
