/** What Node's sockets alone can do: the same requests and answers, nothing made of them. `floor-main.ts FIRST_PORT DEVICES SECONDS`, one line of JSON. */
import { connect } from 'node:net';
import { readAdu } from '../../../drivers/modbus/framing.ts';

const BLOCKS = 10;
const REGISTERS = 124;
/** MBAP header, function and byte count stand before the values. */
const ANSWER_BYTES = 9 + REGISTERS * 2;
const WARM_MS = 1000;
const [firstPort = 0, devices = 1, seconds = 1] = process.argv.slice(2).map(Number);

const requests = Array.from({ length: BLOCKS }, (_, index) => readAdu({ unit: 1, fc: 3, start: index * REGISTERS, count: REGISTERS }, index));
const buffer = Buffer.alloc(4096);
let reads = 0;
for (let device = 0; device < devices; device += 1) {
  let heldBytes = 0;
  let next = 0;
  const ask = () => socket.write(requests[next = (next + 1) % BLOCKS] as Buffer);
  const socket = connect({ host: '127.0.0.1', port: firstPort + device, noDelay: true, onread: { buffer, callback: (length) => {
    heldBytes += length;
    if (heldBytes < ANSWER_BYTES) return true;
    heldBytes = 0;
    reads += 1;
    ask();
    return true;
  } } }, ask);
}
const pause = (durationMs: number) => new Promise((resolve) => { setTimeout(resolve, durationMs); });
await pause(WARM_MS);
const cpuBefore = process.cpuUsage();
reads = 0;
await pause(seconds * 1000);
const { user, system } = process.cpuUsage(cpuBefore);
process.stdout.write(`${JSON.stringify({ reads, cpuMs: (user + system) / 1000 })}\n`);
process.exit(0);
