// A test of your own client behind a broken proxy. Copy this file; `node --test` needs nothing but
// the badproxy binary, on the PATH or in the variable BADPROXY.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createInterface } from 'node:readline';
import test from 'node:test';
import tls from 'node:tls';

// Starts a proxy that plays a scenario; when it resolves, connections are taken.
async function play(t, scenario) {
  const program = process.env.BADPROXY ?? 'badproxy';
  // It ends with its standard input: when the test is over, and also when the test dies.
  const child = spawn(program, ['serve', scenario, '--format', 'jsonl', '--until-eof'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.stdin.end());
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ready = JSON.parse((await lines.next()).value);
  // Stops the proxy and gives everything that has happened.
  const events = async () => {
    child.stdin.end();
    const all = [];
    for await (const line of lines) all.push(JSON.parse(line));
    assert.deepEqual(await ended, [0, null]);
    return all;
  };
  // What the client has to trust where the target is https.
  const ca = readFileSync(ready.ca);
  return { proxy: new URL(ready.proxy), target: new URL(ready.target), ca, events };
}

// The code under test: in your test, call your own. This one opens a tunnel and speaks TLS in it, and
// does no more.
function tunnel({ proxy, target, ca }) {
  const path = `${target.hostname}:${target.port || 443}`;
  return new Promise((resolve, reject) => {
    http
      .request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path, timeout: 5000 })
      .on('connect', (response, socket) => {
        const secure = tls.connect({ socket, servername: target.hostname, ca });
        secure.on('secureConnect', () => (secure.destroy(), resolve(response.statusCode)));
        secure.on('error', reject);
      })
      .on('timeout', () => reject(new Error('timed out')))
      .on('error', reject)
      .end();
  });
}

test('it gives up when the proxy closes without a word', async (t) => {
  const broken = await play(t, 'reply/fin-before-reply');
  await assert.rejects(tunnel(broken), { code: 'ECONNRESET' });
  const requests = (await broken.events()).filter((event) => event.name === 'connect:request');
  assert.ok(requests.length >= 1 && requests.length <= 2, `${requests.length} attempts`);
});

test('it refuses a certificate that has expired', async (t) => {
  const broken = await play(t, 'tls/expired');
  await assert.rejects(tunnel(broken), { code: 'CERT_HAS_EXPIRED' });
  assert.ok((await broken.events()).some((event) => event.name === 'tls:failed'));
});
