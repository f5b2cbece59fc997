/** The demo's pump station, in a process of its own, switched and set from the centre: the plant follows. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { COMMAND_CENTRE, commandFolder, giveCommand, knownCommand, startCommandEdge, startCommandGateway } from './bench.ts';

const yaml = (brokerUrl: string, port: number) => `edge: e1
centre: "${COMMAND_CENTRE}"
gateway: { url: "${brokerUrl}", token: t1 }
devices:
  - id: plc
    driver: modbus
    settings: { host: 127.0.0.1, port: ${port} }
    every: 2s
    points:
      - { id: running, address: "coil:3", type: bool, indicator: SS-DRN-011, write: { allow: true, interlock: [{ point: mains, is: true }, { point: level, above: 1.5 }] } }
      - { id: mains, address: "coil:0", type: bool, indicator: X-1 }
      - { id: level, address: "holding:100", type: float32, unit: m, indicator: YJ-FLD-001 }
      - { id: flow, address: "holding:102", unit: m3/h, indicator: X-2 }
      - { id: setpoint, address: "holding:130", unit: m, scale: 0.01, range: [0, 10], indicator: X-3, write: { allow: true } }
`;

test(
  'the pump goes on and off, water moves only then; a setpoint is taken, one that the plant refuses is not',
  { timeout: 120_000 },
  async (t) => {
    const dir = commandFolder(t);
    const station = spawn(process.execPath, [join(import.meta.dirname, '..', 'town', 'pump-station.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.after(() => station.kill());
    const [line] = (await once(createInterface({ input: station.stdout }), 'line')) as [string];
    const { httpUrl, brokerUrl } = await startCommandGateway(t, dir);
    await startCommandEdge(t, dir, yaml(brokerUrl, (JSON.parse(line) as { port: number }).port));
    await knownCommand(httpUrl);
    const flow = async () => (await giveCommand(httpUrl, { kind: 'read', device: 'plc', points: ['flow'] })).values?.[0]?.value as number;
    const write = async (point: string, value: unknown) => {
      const { status, readBack, fault } = await giveCommand(httpUrl, { kind: 'write', device: 'plc', point, value });
      return [status, readBack, fault?.code ?? null];
    };
    assert.equal(await flow(), 0);
    assert.deepEqual(await write('running', true), ['done', true, null]);
    assert.ok((await flow()) > 1000);
    assert.deepEqual(await write('running', false), ['done', false, null]);
    assert.equal(await flow(), 0);
    assert.deepEqual(await write('setpoint', 2.55), ['done', 2.55, null]);
    const [status, , code] = await write('setpoint', 7);
    assert.equal(status, 'failed', String(code));
    assert.deepEqual((await giveCommand(httpUrl, { kind: 'read', device: 'plc', points: ['setpoint'] })).values?.[0]?.value, 2.55);
  },
);
