import { EnvHttpProxyAgent, fetch, setGlobalDispatcher } from "undici";

setGlobalDispatcher(new EnvHttpProxyAgent());
const [, , target, timeout] = process.argv;
const signal = timeout ? AbortSignal.timeout(timeout * 1000) : undefined;
try {
  const response = await fetch(target, { signal });
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  console.log(await response.text());
} catch (error) {
  console.error(`${error}`, ...(error.cause ? [`<- ${error.cause} (${error.cause.code})`] : []));
  process.exitCode = 1;
}
