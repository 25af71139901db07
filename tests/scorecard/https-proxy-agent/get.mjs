// As its README has it: the response is the target's, whatever its status.
import https from "node:https";
import http from "node:http";
import { HttpsProxyAgent } from "https-proxy-agent";

const [, , target, timeout] = process.argv;
const agent = new HttpsProxyAgent(process.env.HTTPS_PROXY);
const options = timeout ? { agent, timeout: timeout * 1000 } : { agent };
const request = (target.startsWith("https:") ? https : http).get(target, options, (response) => {
  response.pipe(process.stdout);
  response.on("error", failed);
});
request.on("timeout", () => request.destroy(new Error("timeout")));
request.on("error", failed);

function failed(error) {
  console.error(`${error} (${error.code})`);
  process.exitCode = 1;
}
