/** A town that runs in plaintext is upgraded: its edges go on, are named, and move to TLS one after the other. Real processes. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import mqtt from 'mqtt';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { until } from '../../core/testing/until.ts';
import { firstAdministrator } from '../processes/enrolment.ts';
import { ownAddress } from '../processes/own-address.ts';
import { UPGRADE_CENTRE, UpgradedTown } from './town.ts';

const EDGES = ['gate-02', 'pump-07'];
const DAY_MS = 86_400_000;
const NOT_AUTHORISED = 5;
const host = ownAddress();
const skip = host === null ? 'no address beside loopback' : false;

/** As the person reads it who has to see which edges are left. */
const statusText = (config: string): Promise<string> =>
  new Promise((resolve) => {
    const main = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
    execFile(process.execPath, [main, 'status', '--config', config, '--lang', 'en'], (_error, out, errors) => resolve(out + errors));
  });

test('a town in plaintext is upgraded: named until they have moved, nothing lost, then refused', { skip, timeout: 400_000 }, async (t) => {
  const { dir, remove } = await tempDir();
  const town = new UpgradedTown(dir, host ?? '', EDGES);
  t.after(async () => {
    await town.close();
    await remove();
  });
  await town.startGateway({ plaintextUntil: 'forever' });
  await Promise.all(EDGES.map((edge) => town.startEdge(edge, town.plaintext(edge))));
  const isNamed = async (edges: readonly string[]) => {
    const { plaintext } = await town.status();
    return plaintext?.edges.toSorted().join() === edges.join();
  };
  const comesIn = async () => {
    const { accepted } = (await town.status()).path;
    await until(async () => (await town.status()).path.accepted > accepted);
  };
  await until(() => isNamed(EDGES));
  await comesIn();
  await town.stopAsOlderVersion();

  const upgradedAt = Date.now();
  await town.startGateway();
  await until(() => isNamed(EDGES));
  await comesIn();
  const untilAt = (await town.status()).plaintext?.until ?? 0;
  assert.ok(untilAt > upgradedAt + 29 * DAY_MS && untilAt <= Date.now() + 30 * DAY_MS);
  const day = new Date(untilAt).toISOString().slice(0, 10);
  const named = (await town.status()).plaintext?.edges.join(', ');
  assert.ok((await statusText(town.gatewayFile)).includes(`without TLS: ${named}; refused from ${day} on`));

  const administrator = await firstAdministrator(town.gateway.ready, UPGRADE_CENTRE);
  for (const [index, edge] of EDGES.entries()) {
    await administrator.enrol(edge, join(dir, edge, 'identity'));
    await town.startEdge(edge, { url: `mqtts://${host}:${town.brokerPort}`, identity: './identity' });
    await until(() => isNamed(EDGES.slice(index + 1)));
    await until(async () => (await town.status()).edges.every(({ online }) => online));
  }
  await comesIn();

  town.stopNumbers();
  await until(() => town.isDrained);
  await until(async () => (await town.status()).path.storeLag === 0);
  const { missing, duplicates, disordered, stored } = await town.verdict();
  assert.deepEqual({ missing, duplicates, disordered, stored }, { missing: 0, duplicates: 0, disordered: 0, stored: town.witness.size });
  assert.ok(town.witness.size > 100, `${town.witness.size} numbers`);

  await town.gateway.stop(20_000);
  await town.startGateway({ plaintextUntil: '2026-01-01' });
  const [edge = ''] = EDGES;
  const login = { clientId: `cv-${edge}`, username: edge, password: town.tokenOf(edge), protocolVersion: 4 as const, reconnectPeriod: 0 };
  await assert.rejects(mqtt.connectAsync(`mqtt://${host}:${town.brokerPort}`, login), { code: NOT_AUTHORISED });
  const answer = await fetch(`${town.url}/api/v1/status`, { headers: town.headers, redirect: 'manual' });
  assert.deepEqual([answer.status, answer.headers.get('location')], [308, `${town.url.replace('http:', 'https:')}/api/v1/status`]);
  await until(async () => (await town.secureStatus()).edges.every(({ online }) => online));
  assert.match(await statusText(town.gatewayFile), /● pump-07 · backlog/, 'over TLS, by the CA in its folder');
});
