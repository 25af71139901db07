// got reads no variable: its users hand it an agent.
import got from "got";
import { HttpProxyAgent, HttpsProxyAgent } from "hpagent";

const [, , target, timeout] = process.argv;
const proxy = process.env.HTTPS_PROXY;
const agent = { http: new HttpProxyAgent({ proxy }), https: new HttpsProxyAgent({ proxy }) };
try {
  const options = timeout ? { agent, timeout: { request: timeout * 1000 } } : { agent };
  console.log(await got(target, options).text());
} catch (error) {
  console.error(`${error} (${error.code})`);
  process.exitCode = 1;
}
