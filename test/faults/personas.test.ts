/** What balancers really send, byte for byte but for the moment: recorded from nginx 1.22.1 and HAProxy 2.6.12 on loopback. */
import { describe, expect, it } from "vitest";
import { PERSONAS, failureStatus, personaAnswer, type Persona, type Why } from "../../src/faults/personas.js";
import { written } from "../support/exchange-bench.js";

/** Sun, 22 Nov 2026 20:18:14 GMT */
const NOW = Date.UTC(2026, 10, 22, 20, 18, 14, 500);

const say = (persona: Persona, status: number, why?: Why): string =>
  written(personaAnswer(persona, status, { now: NOW, why }));

const nginxPage = (title: string): string =>
  `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;

describe("nginx", () => {
  it.each([
    [502, "HTTP/1.1 502 Bad Gateway", 150, "keep-alive", "502 Bad Gateway"],
    [
      503,
      "HTTP/1.1 503 Service Temporarily Unavailable",
      190,
      "keep-alive",
      "503 Service Temporarily Unavailable",
    ],
    [504, "HTTP/1.1 504 Gateway Time-out", 160, "keep-alive", "504 Gateway Time-out"],
    [401, "HTTP/1.1 401 Unauthorized", 172, "keep-alive", "401 Authorization Required"],
    [413, "HTTP/1.1 413 Request Entity Too Large", 176, "close", "413 Request Entity Too Large"],
    [429, "HTTP/1.1 429 Too Many Requests", 162, "keep-alive", "429 Too Many Requests"],
    [500, "HTTP/1.1 500 Internal Server Error", 170, "close", "500 Internal Server Error"],
  ])("answers %d as it was recorded", (status, line, length, connection, title) => {
    expect(say("nginx", status)).toBe(
      `${line}\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 20:18:14 GMT\r\nContent-Type: text/html\r\n` +
        `Content-Length: ${length}\r\nConnection: ${connection}\r\n\r\n${nginxPage(title)}`,
    );
  });

  it("has neither reason nor page for what it does not know", () => {
    expect(say("nginx", 422)).toBe(
      "HTTP/1.1 422 \r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 20:18:14 GMT\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n",
    );
  });

  it("ends 204 with its head", () => {
    expect(say("nginx", 204)).toBe(
      "HTTP/1.1 204 No Content\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 20:18:14 GMT\r\nConnection: keep-alive\r\n\r\n",
    );
  });
});

describe("haproxy", () => {
  it.each([
    [502, "502 Bad Gateway", 107, "", "The server returned an invalid or incomplete response."],
    [503, "503 Service Unavailable", 107, "", "No server is available to handle this request."],
    [504, "504 Gateway Time-out", 92, "", "The server didn't respond in time."],
    [400, "400 Bad request", 90, "connection: close\r\n", "Your browser sent an invalid request."],
    [
      408,
      "408 Request Time-out",
      110,
      "connection: close\r\n",
      "Your browser didn't send a complete request in time.",
    ],
    [429, "429 Too Many Requests", 117, "", "You have sent too many requests in a given amount of time."],
    [
      501,
      "501 Not Implemented",
      136,
      "",
      ".The server does not support the functionality required to fulfill the request.",
    ],
  ])("answers %d as it was recorded", (status, title, length, close, message) => {
    expect(say("haproxy", status)).toBe(
      `HTTP/1.1 ${title}\r\ncontent-length: ${length}\r\ncache-control: no-cache\r\ncontent-type: text/html\r\n${close}\r\n` +
        `<html><body><h1>${title}</h1>\n${message}\n</body></html>\n`,
    );
  });

  it("has no page for what it has no page for", () => {
    expect(say("haproxy", 409)).toBe("HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n");
  });
});

describe("envoy", () => {
  it.each([
    [
      503,
      "reset",
      "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
    ],
    [
      503,
      "refused",
      "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: delayed connect error: 111",
    ],
    [503, "no_upstream", "no healthy upstream"],
    [504, "timeout", "upstream request timeout"],
    [502, "reset", "upstream connect error or disconnect/reset before headers. reset reason: protocol error"],
  ] as const)("answers %d for %s in plain text", (status, why, text) => {
    const reason = { 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout" }[status];
    expect(say("envoy", status, why)).toBe(
      `HTTP/1.1 ${status} ${reason}\r\ncontent-length: ${text.length}\r\ncontent-type: text/plain\r\n` +
        `date: Sun, 22 Nov 2026 20:18:14 GMT\r\nserver: envoy\r\n\r\n${text}`,
    );
  });
});

describe("alb", () => {
  it.each([
    [502, "502 Bad Gateway", 122],
    [503, "503 Service Temporarily Unavailable", 162],
    [504, "504 Gateway Time-out", 132],
  ])("answers %d like the nginx that it was made from, without its signature", (status, title, length) => {
    expect(say("alb", status)).toBe(
      `HTTP/1.1 ${title}\r\nServer: awselb/2.0\r\nDate: Sun, 22 Nov 2026 20:18:14 GMT\r\nContent-Type: text/html\r\n` +
        `Content-Length: ${length}\r\nConnection: keep-alive\r\n\r\n` +
        `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`,
    );
  });
});

describe("every persona", () => {
  it.each(PERSONAS)("%s says the length that its body has, for each status there is", (persona) => {
    for (let status = 200; status <= 599; status++) {
      const { head, body, close } = personaAnswer(persona, status, { now: NOW });
      const values = (wanted: string): string[] =>
        head.fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
      const bodiless = status === 204 || status === 304;
      expect(values("content-length")).toEqual(bodiless ? [] : [String(body.length)]);
      if (body.length === 0) expect(values("content-type")).toEqual([]);
      expect(values("connection").includes("close")).toBe(close === true);
      expect(head.reason).toMatch(/^[\x20-\x7e]*$/u);
    }
  });

  it.each(PERSONAS)("%s writes a Retry-After in its own case, rounded up", (persona) => {
    const { head } = personaAnswer(persona, 503, { now: NOW, retryAfter: 1_001 });
    const name = persona === "nginx" || persona === "alb" ? "Retry-After" : "retry-after";
    expect(head.fields.at(-1)).toEqual([name, "2"]);
  });

  it.each([
    ["nginx", 502, 502, 502, 504],
    ["haproxy", 503, 502, 503, 503],
    ["envoy", 503, 503, 503, 503],
    ["alb", 502, 502, 503, 504],
    ["plain", 502, 502, 503, 504],
  ] as const)(
    "%s chooses the status that it gives for a failure",
    (persona, refused, broken, nobody, late) => {
      expect(failureStatus(persona, "refused")).toBe(refused);
      expect(failureStatus(persona, "reset")).toBe(broken);
      expect(failureStatus(persona, "no_upstream")).toBe(nobody);
      expect(failureStatus(persona, "timeout")).toBe(late);
    },
  );
});
