import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRIVERS } from '../../drivers/index.ts';
import { checkEdge } from './check.ts';

const yaml = (certificates: string) => `edge: e1
centre: "500112001"
gateway: { url: mqtt://127.0.0.1:1883 }
devices:
  - { id: plc, driver: opcua, settings: { endpoint: opc.tcp://plc:4840, security: none${certificates} }, points: [{ id: level, node: i=7, unit: m, indicator: SS-DRN-011 }] }
`;

test('a path within a group of settings is taken from the folder of the file too', async () => {
  const dirOf = async (certificates: string) => {
    const { setup, problems } = await checkEdge(
      { path: '/etc/cityvitals/edge.yaml', text: yaml(certificates) },
      { env: {}, drivers: DRIVERS },
    );
    assert.deepEqual(problems, []);
    const settings = setup?.devices[0]?.settings as { certificates: { dir: string } } | undefined;
    return settings?.certificates.dir;
  };
  assert.equal(await dirOf(''), '/etc/cityvitals/data/opcua-certificates');
  assert.equal(await dirOf(', certificates: { dir: ../pki }'), '/etc/pki');
  assert.equal(await dirOf(', certificates: { dir: /var/pki }'), '/var/pki');
});
