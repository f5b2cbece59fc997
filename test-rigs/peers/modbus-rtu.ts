/** RTU on pseudo-terminals against programs that are not ours: our driver reads pymodbus, mbpoll reads and writes our server. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openPseudoTerminal } from '../../drivers/modbus/testing/pseudo-terminal.ts';
import { serveSimulatedModbus } from '../../drivers/modbus/testing/server.ts';
import { readOnce, registerValue } from './modbus.ts';
import { startPymodbus } from './pymodbus.ts';
import { registersOfEveryType } from './registers.ts';

const run = promisify(execFile);
const READY_MS = 5000;

async function everyTypeAndOrderByRtu(): Promise<void> {
  const { cells, points, wanted } = registersOfEveryType();
  const folder = await mkdtemp(join(tmpdir(), 'cityvitals-rtu-'));
  const [theirs, ours] = [join(folder, 'ttyA'), join(folder, 'ttyB')];
  const socat = spawn('socat', ['-d0', `pty,raw,echo=0,link=${theirs}`, `pty,raw,echo=0,link=${ours}`], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => { socat.once('close', () => resolve()); });
  try {
    for (let waitedMs = 0; !existsSync(ours); waitedMs += 20) {
      assert.ok(waitedMs < READY_MS && socat.exitCode === null, 'socat made two terminals');
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
    await writeFile(join(folder, 'registers.json'), JSON.stringify({ unit: 7, ...cells }));
    const server = await startPymodbus(join(folder, 'registers.json'), theirs);
    try {
      const values = await readOnce({ transport: 'rtu', port: ours, unit: 7, baudRate: 115_200 }, points);
      for (const [point, value] of wanted) assert.deepEqual(registerValue(values.get(point)), value, point);
      assert.equal(values.size, wanted.size);
    } finally {
      await server.stop();
    }
  } finally {
    socat.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true });
  }
}

async function mbpollByRtu(): Promise<void> {
  const cells = new Map<number, number>([[10, 1234]]);
  const server = await serveSimulatedModbus({
    read: (_unit, _fc, start, count) => Array.from({ length: count }, (_, at) => cells.get(start + at) ?? 0),
    write(_unit, _fc, start, written) {
      written.forEach((cell, at) => cells.set(start + at, cell));
      return null;
    },
    units: [5],
  }, { envelope: 'rtu' });
  const line = await openPseudoTerminal(server.port);
  try {
    const poll = async (...args: string[]) =>
      (await run('mbpoll', ['-m', 'rtu', '-b', '115200', '-P', 'none', '-0', '-1', '-q', ...args])).stdout;
    assert.match(await poll('-a', '5', '-t', '4', '-r', '10', '-c', '1', line.path), /^\[10\]:\s+1234/m);
    await poll('-a', '5', '-t', '4', '-r', '20', line.path, '77');
    await poll('-a', '5', '-t', '4', '-r', '21', line.path, '1', '2', '3');
    await poll('-a', '5', '-t', '0', '-r', '40', line.path, '1');
    assert.deepEqual([20, 21, 22, 23, 40].map((at) => cells.get(at)), [77, 1, 2, 3, 1]);
    await assert.rejects(poll('-a', '6', '-t', '4', '-r', '10', '-c', '1', '-o', '0.3', line.path), 'nobody answers for unit 6');
  } finally {
    await line.close();
    await server.close();
  }
}

export const peers: { name: string; run(): Promise<void> }[] = [
  { name: 'modbus rtu: pymodbus on a serial line, every type and order', run: everyTypeAndOrderByRtu },
  { name: 'modbus rtu: mbpoll reads and writes our server', run: mbpollByRtu },
];
