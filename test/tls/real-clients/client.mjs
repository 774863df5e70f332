// One request by fetch or node:https: prints status and length, or the error. Arguments: fetch or https, URL, seconds, certificate or empty.
import { readFileSync } from "node:fs";
import https from "node:https";

const [, , way, url, seconds, certificate] = process.argv;
const signal = AbortSignal.timeout(Number(seconds) * 1000);
const said = (error) => {
  if (error.name === "TimeoutError" || error.cause?.name === "TimeoutError") return "TimeoutError";
  const { code, message } = error.cause ?? error;
  // The text of OpenSSL says no more than the code.
  return code === undefined || (/^ERR_SSL|_/u.test(code) && !code.startsWith("UND_"))
    ? (code ?? message)
    : `${code}: ${message}`;
};

async function byFetch() {
  const response = await fetch(url, { signal });
  return [response.status, (await response.arrayBuffer()).byteLength];
}

function byHttps() {
  const pair = certificate === "" ? {} : { cert: readFileSync(certificate), key: readFileSync(certificate) };
  return new Promise((done, failed) => {
    const request = https.get(url, { signal, agent: false, ...pair }, (response) => {
      let got = 0;
      response.on("data", (chunk) => (got += chunk.length));
      response.on("end", () => done([response.statusCode, got]));
      response.on("error", failed);
    });
    request.on("error", failed);
  });
}

try {
  const [status, got] = await (way === "fetch" ? byFetch() : byHttps());
  console.log(`${status}, ${got} B`);
} catch (error) {
  console.log(said(error));
}
process.exit();
