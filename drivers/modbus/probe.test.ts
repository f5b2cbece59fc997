import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realWorld } from '../../core/world.ts';
import { probe } from './probe.ts';
import { point, settings } from './settings.ts';
import { ADDRESS_VALUED_DEVICE, NEVER_ABORTED } from './testing/requests.ts';
import { serveSimulatedModbus } from './testing/server.ts';

test('a serial device that leaves function 43 unanswered is found well by its first answer', async (context) => {
  const server = await serveSimulatedModbus(ADDRESS_VALUED_DEVICE, {
    envelope: 'rtu',
    override: (answer, request) => (request[1] === 43 ? null : answer),
  });
  context.after(server.close);
  const findings = await probe(
    settings.parse({ transport: 'rtu-tcp', host: '127.0.0.1', port: server.port }),
    [{ id: 'p', ...point.parse({ address: 'holding:1' }) }],
    realWorld(() => {}),
    NEVER_ABORTED,
  );
  assert.match(findings[0]?.en ?? '', /unit 1 answers/);
});
