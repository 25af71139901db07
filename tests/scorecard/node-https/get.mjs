// badproxy sets NODE_USE_ENV_PROXY=1, so that the proxy comes from the environment.
import http from "node:http";
import https from "node:https";

const [, , target, timeout] = process.argv;
const options = timeout ? { timeout: timeout * 1000 } : {};
const request = (target.startsWith("https:") ? https : http).get(target, options, (response) => {
  if (response.statusCode >= 400) request.destroy(new Error(`HTTP status ${response.statusCode}`));
  response.pipe(process.stdout);
  response.on("error", failed);
});
request.on("timeout", () => request.destroy(new Error("timeout")));
request.on("error", failed);

function failed(error) {
  console.error(`${error} (${error.code})`);
  process.exitCode = 1;
}
