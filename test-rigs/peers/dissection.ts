/** tshark as the judge: our simulated devices are recorded while our drivers read them, and both must read the same in those bytes. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import type { TrafficLine } from '../../cases/format.ts';
import { captureFile, type SentPacket } from '../record/capture/testing/capture-files.ts';
import { parseLlrpMessage, LLRP_MESSAGE_TYPES, type LlrpMessage } from '../../drivers/llrp/message.ts';
import { parseAccessReport } from '../../drivers/llrp/access-report.ts';
import { startDevice } from '../processes/device.ts';
import { recordDevice, type DeviceRecording } from '../record/device.ts';

const run = promisify(execFile);
const CLIENT = '127.0.0.1:40000';
const TOWN = join(import.meta.dirname, '..', 'town');
const PUMP_POINTS = [
  ...[0, 1, 2, 3].map((at) => `coil:${at}`), 'discrete:0', 'discrete:1', ...[0, 1, 2, 3, 4].map((at) => `input:${at}`),
  ...[100, 101, 102, 103, 104, 105, 106, 120, 121, 122, 123, 124, 130].map((at) => `holding:${at}`),
];

export const peers: { name: string; run(): Promise<void> }[] = [
  { name: 'tshark reads our simulated LLRP reader and what our driver tells it as our decoders do', run: readerAgrees },
  { name: 'tshark reads our simulated Modbus device and our driver\'s requests as our decoder does', run: pumpAgrees },
];

async function readerAgrees(): Promise<void> {
  const { recorded } = await recording('gate-reader', 8000, (port) => ({
    driver: 'llrp',
    settings: { host: '127.0.0.1', port, powerDbm: 27, session: 1, antennas: [1, 2] },
    points: [{ id: 'tag', gives: 'read', indicator: 'SH-CRD-001' }],
  }));
  const ours = linesOfBytes(recorded.traffic)
    .flatMap(({ bytes }) => messagesIn(Buffer.from(bytes, 'hex')))
    .map(({ type, id, bytes }) => ({ type, id, reads: type === LLRP_MESSAGE_TYPES.report ? parseAccessReport(bytes).reads : [] }));
  assert.ok(
    ours.some(({ reads }) => reads.length > 0),
    'a tag passed',
  );
  const rows = await dissected(recorded.traffic, 5084, [
    'llrp.type',
    'llrp.id',
    'llrp.param.epc',
    'llrp.antenna_id',
    'llrp.param.peak_rssi',
    'llrp.param.microseconds',
    'llrp.param.tag_count',
  ]);
  const theirs = rows.flatMap(([types, ids, epcs, antennas, rssis, times, counts]) => {
    const list = (field = '') => (field === '' ? [] : field.split(','));
    const numbers = (field?: string) => list(field).map(Number);
    return list(types).map((type, index) => ({
      type: Number(type), id: numbers(ids)[index],
      // A report may share its packet with a keep-alive, never with another report. First and last seen of each tag follow each other.
      reads:
        Number(type) === LLRP_MESSAGE_TYPES.report
          ? list(epcs).map((epc, tag) => ({
              epc: epc.toUpperCase(),
              antenna: numbers(antennas)[tag],
              rssiDbm: ((numbers(rssis)[tag] as number) << 24) >> 24,
              firstUtcUs: BigInt(list(times)[tag * 2] as string),
              lastUtcUs: BigInt(list(times)[tag * 2 + 1] as string),
              count: numbers(counts)[tag],
            }))
          : [],
    }));
  });
  assert.deepEqual(theirs, ours);
}

async function pumpAgrees(): Promise<void> {
  const { recorded, stamped } = await recording('pump-station', 3000, (port) => ({
    driver: 'modbus',
    settings: { transport: 'tcp', host: '127.0.0.1', port, unit: 1 },
    every: '1s',
    points: PUMP_POINTS.map((address) => ({
      id: address.replace(':', '-'),
      address,
      type: /^(coil|discrete)/.test(address) ? 'bool' : 'uint16',
      indicator: 'SS-DRN-011',
      unit: '1',
    })),
  }));
  const rows = await dissected(recorded.traffic, 502, [
    'tcp.srcport',
    'mbtcp.unit_id',
    'modbus.func_code',
    'modbus.reference_num',
    'modbus.regnum16',
    'modbus.regval_uint16',
    'modbus.bitnum',
    'modbus.bitval',
  ]);
  const theirs = new Map<string, number[]>();
  for (const [source, unit, fc, _start, registers, words, bitNumbers, bits] of rows) {
    if (source !== '502' || !registers && !bitNumbers) continue;
    assert.equal(unit, '1');
    const area = [null, 'coil', 'discrete', 'holding', 'input'][Number(fc)];
    const [places, values] = registers ? [registers, words] : [bitNumbers, bits];
    places?.split(',').forEach((place, index) => {
      const value = String(values?.split(',')[index]);
      const point = `${area}-${place}`;
      theirs.set(point, [...theirs.get(point) ?? [], value === 'True' ? 1 : value === 'False' ? 0 : Number(value)]);
    });
  }
  const ours = new Map<string, number[]>();
  for (const line of stamped) if (!('fault' in line)) ours.set(line.point, [...ours.get(line.point) ?? [], Number(line.value)]);
  assert.deepEqual([...ours.keys()].toSorted(), PUMP_POINTS.map((address) => address.replace(':', '-')).toSorted());
  // The driver also reads what lies between two of its points.
  for (const [point, values] of ours) assert.deepEqual(theirs.get(point), values, point);
}

async function recording(module: string, forMs: number, device: (port: number) => Record<string, unknown>): Promise<DeviceRecording> {
  const simulated = await startDevice(module, join(TOWN, `${module}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`), ['--seed', '7']);
  const dir = await mkdtemp(join(tmpdir(), 'cv-dissection-'));
  try {
    const config = join(dir, 'edge.yaml');
    await writeFile(
      config,
      stringify({
        edge: 'e1',
        centre: '500112001',
        gateway: { url: 'mqtt://127.0.0.1:1', token: 'x' },
        log: { dir: './log' },
        devices: [{ id: 'd', ...device(simulated.port) }],
      }),
    );
    return await recordDevice({ device: 'd', config, forMs, signal: new AbortController().signal, say: () => {} });
  } finally {
    await simulated.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

const linesOfBytes = (traffic: readonly TrafficLine[]) => traffic.flatMap((line) => ('bytes' in line ? [line] : []));

function messagesIn(bytes: Buffer): LlrpMessage[] {
  const message = parseLlrpMessage(bytes);
  if (message === null || message === 'invalid') return [];
  return [message, ...messagesIn(bytes.subarray(message.bytes.length))];
}

/** tshark's fields of what was recorded, a row a packet; nothing may be malformed to it. @param port of the protocol, where tshark looks for it */
async function dissected(traffic: readonly TrafficLine[], port: number, fields: readonly string[]): Promise<string[][]> {
  const next = { in: 1, out: 1 };
  const device = `127.0.0.1:${port}`;
  const sent = linesOfBytes(traffic).map(({ afterUs, dir, bytes: hex }): SentPacket => {
    const bytes = Buffer.from(hex, 'hex');
    const seq = next[dir];
    next[dir] += bytes.length;
    return {
      atUs: afterUs,
      ...(dir === 'in' ? { from: device, to: CLIENT } : { from: CLIENT, to: device }),
      bytes,
      tcp: { seq, ack: next[dir === 'in' ? 'out' : 'in'] },
    };
  });
  const dir = await mkdtemp(join(tmpdir(), 'cv-capture-'));
  try {
    const file = join(dir, 'session.pcap');
    await writeFile(file, captureFile(sent, { form: 'pcap', little: true, nanoseconds: false, link: 'raw' }));
    const { stdout } = await run(
      'tshark',
      ['-r', file, '-T', 'fields', '-E', 'occurrence=a', ...['_ws.malformed', ...fields].flatMap((field) => ['-e', field])],
      { maxBuffer: 1 << 26 },
    );
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [malformed, ...row] = line.split('\t');
        assert.equal(malformed, '', `tshark calls it malformed: ${line}`);
        return row;
      });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
