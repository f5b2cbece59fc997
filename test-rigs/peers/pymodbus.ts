/** pymodbus (Debian's python3-pymodbus) as a Modbus server, by TCP or RTU. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * @param registers a JSON file as `pymodbus-server.py` takes it
 * @param serialPort speaks RTU there; left out: TCP on a free port
 */
export async function startPymodbus(registers: string, serialPort?: string): Promise<{ port: number; stop(): Promise<void> }> {
  // The package belongs to Debian's own Python, which need not be the first in PATH.
  const child = spawn(
    '/usr/bin/python3',
    [join(import.meta.dirname, 'pymodbus-server.py'), registers, ...(serialPort === undefined ? [] : [serialPort])],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => { errors.push(text); });
  const exited = new Promise<void>((resolve) => { child.once('close', () => resolve()); });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('error', () => reject(new Error('no /usr/bin/python3: apt-get install python3-pymodbus')));
    child.once('exit', (code) =>
      reject(new Error(`pymodbus ended with ${code}: ${errors.join('').slice(-500)} (apt-get install python3-pymodbus)`)),
    );
    createInterface({ input: child.stdout }).once('line', (line) => resolve((JSON.parse(line) as { port: number }).port));
  });
  return {
    port,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
