import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createServer } from 'node:tls';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { realWorld } from '../../core/world.ts';
import { CertificateAuthority } from '../certificates/authority.ts';
import type { GatewaySetup } from '../config/setup.ts';
import { openLink } from './link.ts';
import { brokerUrlForEdges, openBroker } from './open.ts';

const CONNACK = Buffer.from([0x20, 2, 0, 0]);

test('another broker over TLS: known by the own CA or a file with its CA, by nothing else; a file that holds none is told', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const authority = new CertificateAuthority({ dir: join(dir, 'ca'), gateway: 'g', names: ['127.0.0.1'] }, { nowMs: () => Date.now() });
  await authority.open();
  const { keyPem: key, certificatePem: cert } = authority.server();
  const server = createServer({ key, cert }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => bytes[0] === 0x10 && socket.write(CONNACK));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `mqtts://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const world = realWorld(() => {});
  const setupWith = (ca?: string) => ({ broker: { kind: 'external', url, user: null, password: null, ...(ca && { ca }) } }) as GatewaySetup;
  const comesIn = async (setup: GatewaySetup, ownCaPem: string): Promise<boolean> => {
    const { target } = await openBroker(setup, { tls: null, ownCaPem }, world);
    const refused = once(server, 'tlsClientError');
    const link = openLink(target, { clientId: 'gateway:g', filters: [] }, world);
    const ready = new Promise<void>((resolve) => { link.onReady(resolve); });
    // Whoever does not know the certificate breaks the handshake off.
    const isIn = await Promise.race([ready.then(() => true), refused.then(() => false)]);
    await link.close();
    return isIn;
  };
  const file = join(dir, 'broker-ca.pem');
  await writeFile(file, authority.trustedPem);
  assert.equal(await comesIn(setupWith(), ''), false);
  assert.equal(await comesIn(setupWith(), authority.trustedPem), true);
  assert.equal(await comesIn(setupWith(file), ''), true);
  await writeFile(file, 'no certificate');
  await assert.rejects(
    openBroker(setupWith(file), { tls: null, ownCaPem: '' }, world),
    (error) => error instanceof FaultError && error.fault.code === 'CV_TLS_CERTIFICATE',
  );
});

test('edges are told where the broker is: by the host they came by where it listens on all, by what was configured elsewhere', () => {
  const embedded = (host: string) => ({ broker: { kind: 'embedded', host } }) as Pick<GatewaySetup, 'broker'>;
  const external = (edgeUrl?: string) =>
    ({ broker: { kind: 'external', url: 'mqtt://127.0.0.1:1884', edgeUrl } }) as Pick<GatewaySetup, 'broker'>;
  assert.equal(brokerUrlForEdges(embedded('0.0.0.0'), 'mqtts://0.0.0.0:1883', '10.0.0.5'), 'mqtts://10.0.0.5:1883');
  assert.equal(brokerUrlForEdges(embedded('::'), 'mqtts://[::]:1883', 'fd00::5'), 'mqtts://[fd00::5]:1883');
  assert.equal(brokerUrlForEdges(embedded('10.1.1.1'), 'mqtts://10.1.1.1:1883', 'town.example'), 'mqtts://10.1.1.1:1883');
  assert.equal(brokerUrlForEdges(external('mqtts://10.0.0.6:8883'), 'mqtt://127.0.0.1:1884', '10.0.0.5'), 'mqtts://10.0.0.6:8883');
  assert.equal(brokerUrlForEdges(external(), 'mqtt://127.0.0.1:1884', '10.0.0.5'), 'mqtt://127.0.0.1:1884');
});
