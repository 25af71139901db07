// Fetches one URL with undici's fetch; EnvHttpProxyAgent takes the proxy from the environment.
import { EnvHttpProxyAgent, fetch, setGlobalDispatcher } from "undici";

const target = process.argv[2] ?? process.env.BADPROXY_TARGET;
const timeout = Number(process.env.BADPROXY_TIMEOUT || 5) * 1000;

try {
  setGlobalDispatcher(new EnvHttpProxyAgent());
  const response = await fetch(target, { signal: AbortSignal.timeout(timeout) });
  if (response.status >= 400) throw `HTTP status ${response.status}`;
  process.stdout.write(new Uint8Array(await response.arrayBuffer()));
} catch (error) {
  const said = [];
  for (let cause = error; cause; cause = cause.cause) {
    said.push(typeof cause.code === "string" ? `${cause} (${cause.code})` : `${cause}`);
  }
  console.error(said.join(" <- ").replace(/\s+/g, " "));
  process.exit(1); // without it a connection attempt the signal did not stop keeps Node alive
}
