/** Our own recordings, put on a wire and captured there, become cases again that give the same: in a checkout without anybody's captures too. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { replayCaseLines } from '../../cases/replay.ts';
import type { Driver } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import { captureFile, type CaptureFileFormat, type SentPacket } from './capture/testing/capture-files.ts';
import { recordedCasesIn, type Case } from '../../drivers/testing/cases.ts';
import hj212 from '../../drivers/hj212/driver.ts';
import llrp from '../../drivers/llrp/driver.ts';
import modbus from '../../drivers/modbus/driver.ts';
import { caseOfCapture } from './capture.ts';

const PLAIN: CaptureFileFormat = { form: 'pcap', little: true, nanoseconds: false, link: 'ethernet' };
const OURS = '192.0.2.1';
const FIRST_PORT = 50_000;
/** A segment of Ethernet holds no more. */
const SEGMENT_BYTES = 1400;

/** The case's bytes as TCP segments between us and `device`, each connection with a port of its own. */
function onWire({ startsAt, traffic }: Case, device: string, isDialledIn: boolean): SentPacket[] {
  const next = new Map<string, number>();
  const sent: SentPacket[] = [];
  for (const line of traffic) {
    const { conn, afterUs } = line;
    const [us, them] = isDialledIn
      ? [`${OURS}:${device.split(':')[1]}`, `${device.split(':')[0]}:${FIRST_PORT + conn}`]
      : [`${OURS}:${FIRST_PORT + conn}`, device];
    const atUs = startsAt * 1000 + afterUs;
    if (!next.has(`${conn} in`)) {
      const [client, server] = isDialledIn ? [them, us] : [us, them];
      sent.push(
        { atUs, from: client, to: server, bytes: Buffer.alloc(0), tcp: { seq: 999, isSyn: true } },
        { atUs, from: server, to: client, bytes: Buffer.alloc(0), tcp: { seq: 999, ack: 1000, isSyn: true } },
      );
      next.set(`${conn} in`, 1000).set(`${conn} out`, 1000);
    }
    if (!('bytes' in line)) continue;
    const { dir } = line;
    const whole = Buffer.from(line.bytes, 'hex');
    for (let at = 0; at < whole.length; at += SEGMENT_BYTES) {
      const piece = whole.subarray(at, at + SEGMENT_BYTES);
      const seq = next.get(`${conn} ${dir}`) as number;
      sent.push({ atUs, from: dir === 'in' ? them : us, to: dir === 'in' ? us : them, bytes: piece, tcp: { seq } });
      next.set(`${conn} ${dir}`, seq + piece.length);
    }
  }
  return sent;
}

for (const [driver, port] of [[modbus, 502], [llrp, 5084], [hj212, 9000]] as const satisfies readonly (readonly [Driver, number])[]) {
  const drivers = new Map([[driver.id, driver]]);
  for (const own of await recordedCasesIn(join(import.meta.dirname, '../../drivers', driver.id, 'recorded'))) {
    // Who only listens in takes each request for one of its own, also those by which the driver seeks a hole.
    if (own.name === 'pymodbus-hole-in-block') continue;
    if (own.level !== 'bytes' || own.devices.some(({ settings }) => settings.transport !== undefined)) continue;
    test(`${driver.id}: ${own.name}, captured, gives what it gave`, async () => {
      const device = `192.0.2.9:${port}`;
      const isDialledIn = own.devices[0].settings.listen !== undefined;
      const file = captureFile(onWire(own, device, isDialledIn), PLAIN);
      const { recorded } = caseOfCapture('own.pcap', file, { driver, port, devices: own.devices });
      const lines = await replayCaseLines({ ...recorded, name: own.name, folder: '', expected: null }, { drivers });
      assert.deepEqual(lines, own.expected);
    });
  }
}

test('a capture in which only another protocol is spoken is refused, with how many conversations there were', async () => {
  const [own] = await recordedCasesIn(join(import.meta.dirname, '../../drivers/llrp/recorded'));
  const file = captureFile(onWire(own as Case, '192.0.2.9:5084', false), PLAIN);
  assert.throws(
    () => caseOfCapture('own.pcap', file, { driver: modbus }),
    (error) => error instanceof FaultError && error.fault.code === 'CV_CAPTURE_EMPTY' && Number(error.fault.params.count) === 1,
  );
});
