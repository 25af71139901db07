// Fetches one URL with Node's https and http; pac-proxy-agent takes the proxy from the PAC file.
import http from "node:http";
import https from "node:https";
import { PacProxyAgent } from "pac-proxy-agent";

const target = process.argv[2] ?? process.env.BADPROXY_TARGET;
const timeout = Number(process.env.BADPROXY_TIMEOUT || 5) * 1000;

try {
  const agent = new PacProxyAgent(`pac+${process.env.BADPROXY_PAC}`);
  const get = target.startsWith("https:") ? https.get : http.get;
  const body = await new Promise((resolve, reject) => {
    const request = get(target, { agent, signal: AbortSignal.timeout(timeout) }, (response) => {
      if (response.statusCode >= 400) reject(`HTTP status ${response.statusCode}`);
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve(Buffer.concat(parts)));
      response.on("error", reject);
    });
    request.on("error", reject);
  });
  process.stdout.write(body, () => process.exit(0));
} catch (error) {
  const said = [];
  for (let cause = error; cause; cause = cause.cause) {
    said.push(typeof cause.code === "string" ? `${cause} (${cause.code})` : `${cause}`);
  }
  console.error(said.join(" <- ").replace(/\s+/g, " "));
  process.exit(1); // what was begun and not aborted would keep Node alive
}
