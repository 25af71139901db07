// Fetches one URL over HTTP/2 with Node's own modules. A proxy whose URL says https is spoken to
// in HTTP/2 (CONNECT on a stream), any other in HTTP/1.1.
import http from "node:http";
import http2 from "node:http2";
import tls from "node:tls";

const target = new URL(process.argv[2] ?? process.env.BADPROXY_TARGET);
const proxy = new URL(process.env.https_proxy ?? process.env.HTTPS_PROXY);
const timeout = Number(process.env.BADPROXY_TIMEOUT || 5) * 1000;
const authority = `${target.hostname}:${target.port || 443}`;

function fail(error) {
  const code = error.code ? ` (${error.code})` : "";
  console.error(`${error.message ?? error}${code}`.replace(/\s+/g, " "));
  process.exit(1);
}

setTimeout(() => fail(new Error(`timeout of ${timeout} ms exceeded`)), timeout);

// A tunnel by HTTP/1.1.
function connect1() {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: proxy.hostname, port: proxy.port, method: "CONNECT", path: authority });
    request.on("connect", (response, socket) => {
      if (response.statusCode === 200) resolve(socket);
      else reject(new Error(`the proxy answers ${response.statusCode}`));
    });
    request.on("error", reject);
    request.end();
  });
}

// A tunnel by HTTP/2: a stream of a session with the proxy.
function connect2() {
  return new Promise((resolve, reject) => {
    const session = http2.connect(proxy.origin);
    session.on("error", reject);
    session.on("goaway", (code) => console.error(`the proxy says GOAWAY ${code}`));
    const stream = session.request({ ":method": "CONNECT", ":authority": authority }, { endStream: false });
    stream.on("error", reject);
    stream.on("response", (headers) => {
      if (headers[":status"] === 200) resolve(stream);
      else reject(new Error(`the proxy answers ${headers[":status"]}`));
    });
    stream.on("close", () => reject(new Error(`the stream of the tunnel was closed, code ${stream.rstCode}`)));
  });
}

try {
  const socket = await (proxy.protocol === "https:" ? connect2() : connect1());
  socket.on("error", fail);
  socket.on("close", () => fail(new Error(`the tunnel was closed, code ${socket.rstCode ?? "none"}`)));
  const secure = tls.connect({ socket, servername: target.hostname, ALPNProtocols: ["h2"] });
  secure.on("error", fail);
  const session = http2.connect(target.origin, { createConnection: () => secure });
  session.on("error", fail);
  session.on("goaway", (code) => console.error(`the target says GOAWAY ${code}`));
  const stream = session.request({ ":path": target.pathname + target.search });
  const body = [];
  stream.on("error", fail);
  stream.on("response", (headers) => {
    if (headers[":status"] >= 400) fail(new Error(`HTTP status ${headers[":status"]}`));
  });
  stream.on("data", (piece) => body.push(piece));
  stream.on("close", () => {
    if (stream.rstCode !== 0) fail(new Error(`the stream was closed, code ${stream.rstCode}`));
  });
  stream.on("end", () => {
    process.stdout.write(Buffer.concat(body));
    process.exit(0);
  });
} catch (error) {
  fail(error);
}
