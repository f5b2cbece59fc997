/** A public capture of a plant becomes a case by the command line, the case stands on a socket, and programs that are not ours read it. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { sharedFolder, skipWithout } from '../../core/testing/shared.ts';

const run = promisify(execFile);
const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'cityvitals.js');
const capture = sharedFolder('traffic', 'pcap', 'modbus', 'iti_modbus_test.pcap');
/** What was recorded of unit 1, by input register. */
const RECORDED = new Map([[1, 21_493], [7, 13_080]]);

export const peers: { name: string; lacks?(): string | false; run(): Promise<void> }[] = [
  {
    name: 'replay --serve: mbpoll and pymodbus read a recorded plant',
    lacks: () => skipWithout(capture, 'capture iti_modbus_test.pcap'),
    run: plantIsRead,
  },
];

async function plantIsRead(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'cv-served-'));
  const folder = join(dir, 'plant');
  try {
    await run(process.execPath, [COMMAND, 'record', '--pcap', String(capture), '--driver', 'modbus', '--out', folder]);
    await serving(folder, async (port) => {
      for (const [register, value] of RECORDED) {
        const { stdout } = await run('mbpoll', [
          '-m',
          'tcp',
          '-p',
          String(port),
          '-a',
          '1',
          '-0',
          '-1',
          '-q',
          '-t',
          '3',
          '-r',
          String(register),
          '-c',
          '1',
          '127.0.0.1',
        ]);
        assert.match(stdout, new RegExp(`^\\[${register}\\]:\\s+${value}\\b`, 'm'));
        assert.deepEqual(await pymodbusReads(port, register, 1), [value]);
      }
      assert.deepEqual(await pymodbusReads(port, 0, 8), [0, 21_493, 0, 0, 0, 0, 0, 13_080]);
      await assert.rejects(pymodbusReads(port, 60_000, 1), 'what was not recorded is refused');
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function pymodbusReads(port: number, start: number, count: number): Promise<number[]> {
  const { stdout } = await run('/usr/bin/python3', [
    join(import.meta.dirname, 'pymodbus-client.py'),
    String(port),
    '1',
    'input',
    String(start),
    String(count),
  ]);
  return JSON.parse(stdout) as number[];
}

async function serving(folder: string, use: (port: number) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [COMMAND, 'replay', folder, '--serve', '0', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = new Promise<void>((resolve) => { child.once('close', () => resolve()); });
  try {
    const port = await new Promise<number>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`replay --serve ended with ${code}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const said = JSON.parse(line) as { port?: number };
        if (said.port !== undefined) resolve(said.port);
      });
    });
    await use(port);
  } finally {
    child.kill('SIGTERM');
    await gone;
  }
}
