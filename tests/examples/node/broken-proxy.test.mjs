// A test of your own client behind a broken proxy. Copy this file; `node --test` needs nothing but
// the badproxy binary, on the PATH or in the variable BADPROXY.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { createInterface } from 'node:readline';
import test from 'node:test';

// Starts a proxy that plays a scenario; when it resolves, connections are taken.
async function play(t, scenario) {
  const program = process.env.BADPROXY ?? 'badproxy';
  const child = spawn(program, ['serve', scenario, '--format', 'jsonl'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ready = JSON.parse((await lines.next()).value);
  // Stops the proxy and gives everything that has happened.
  const events = async () => {
    child.kill('SIGTERM');
    const all = [];
    for await (const line of lines) all.push(JSON.parse(line));
    assert.deepEqual(await ended, [0, null]);
    return all;
  };
  return { proxy: new URL(ready.proxy), target: new URL(ready.target), events };
}

// The code under test: in your test, call your own. This one opens a tunnel, and does no more.
function tunnel(proxy, target) {
  const path = `${target.hostname}:${target.port || 443}`;
  return new Promise((resolve, reject) => {
    http
      .request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path, timeout: 5000 })
      .on('connect', (response, socket) => (socket.destroy(), resolve(response.statusCode)))
      .on('timeout', () => reject(new Error('timed out')))
      .on('error', reject)
      .end();
  });
}

test('it gives up when the proxy closes without a word', async (t) => {
  const broken = await play(t, 'reply/fin-before-reply');
  await assert.rejects(tunnel(broken.proxy, broken.target), { code: 'ECONNRESET' });
  const requests = (await broken.events()).filter((event) => event.name === 'connect:request');
  assert.ok(requests.length >= 1 && requests.length <= 2, `${requests.length} attempts`);
});
