/** Other protocols, described: a measure of what a description can say. Frames were collected by others. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import { FrameCutter } from './cutter.ts';
import { decode } from './decode.ts';
import { readDescription } from './load-description.ts';
import type { FrameProtocol } from './protocol.ts';
import { FIRE, POWER_METER, VEHICLE, WATER_METER } from './testing/standards.ts';

const folder = sharedFolder('traffic', 'vectors');
const skip = skipWithout(folder, 'traffic folder');

interface Vector {
  frame: string;
  valid: boolean;
  [key: string]: unknown;
}

function vectorsOf(name: string): Vector[] {
  const own = join(folder as string, name);
  return readdirSync(own)
    .filter((file) => file.endsWith('.jsonl'))
    .flatMap((file) =>
      readFileSync(join(own, file), 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Vector),
    );
}

function described(yaml: string): FrameProtocol {
  const loaded = readDescription('vector.yaml', `version: 1\ntitle: { zh: 甲, en: a }\n${yaml}`);
  assert.deepEqual(loaded.faults, []);
  return loaded.protocol as FrameProtocol;
}

function framesIn(protocol: FrameProtocol, hex: string) {
  return new FrameCutter(protocol).feed(Buffer.from(hex, 'hex')).flatMap((cut) => (cut.is === 'frame' ? [cut] : []));
}

function valuesOf(protocol: FrameProtocol, bytes: Uint8Array): Record<string, unknown> {
  const decoded = decode({ is: 'message', bytes, pointMap: { protocol, byField: null } });
  assert.ok(decoded.ok, JSON.stringify(decoded));
  return Object.fromEntries((decoded.values ?? []).map(({ point, value }) => [point, value]));
}

test('water meters (CJ/T 188): bytes between frames, length, sum, terminator, little-endian BCD', { skip }, () => {
  const protocol = described(WATER_METER);
  let good = 0;
  for (const { frame, valid, addr, meter_type: type, di } of vectorsOf('cjt188')) {
    const [found, ...more] = framesIn(protocol, frame);
    assert.equal(more.length, 0);
    assert.equal(found !== undefined, valid, frame);
    if (!found) continue;
    good += 1;
    const values = valuesOf(protocol, found.bytes);
    const name = 'volume.meter' in values ? 'volume' : 'other';
    assert.equal(String(values[`${name}.meter`]).padStart(14, '0'), addr);
    assert.equal(values[`${name}.type`], Number(type));
    assert.equal(String(values[`${name}.item`]).toLowerCase(), String(di).toLowerCase());
  }
  assert.ok(good >= 8, `${good}`);
});

test('electricity meters (DL/T 645): 33H is taken from each byte of the data, the sum counts them as sent', { skip }, () => {
  const protocol = described(POWER_METER);
  let good = 0;
  for (const { frame, valid, addr, control, len_field: size, data_minus33: data } of vectorsOf('dlt645')) {
    const [found] = framesIn(protocol, frame);
    assert.equal(found !== undefined, valid, frame);
    if (!found) continue;
    good += 1;
    const values = valuesOf(protocol, found.bytes);
    assert.deepEqual(
      [values['any.meter'], values['any.control'], values['any.size'], String(values['any.data']).toLowerCase()],
      [String(addr).toUpperCase(), Number(control), size, data],
    );
  }
  assert.ok(good >= 20, `${good}`);
});

test('fire alarm units (GB/T 26875.3): length, sum over part, two-byte marks', { skip }, () => {
  const protocol = described(FIRE);
  let good = 0;
  for (const { frame, valid, serial, command, src, dst, len_field: size } of vectorsOf('gb26875')) {
    const [found] = framesIn(protocol, frame);
    assert.equal(found !== undefined, valid, frame);
    if (!found) continue;
    good += 1;
    const values = valuesOf(protocol, found.bytes);
    assert.deepEqual(
      [values['any.number'], values['any.command'], values['any.size'], String(values['any.to']).toLowerCase()],
      [serial, command, size, dst],
    );
    assert.ok(src);
  }
  assert.ok(good >= 8, `${good}`);
});

test('vehicles (JT/T 808): byte stuffing, two editions of the head, conditions on bits, extras until the end', { skip }, () => {
  const protocol = described(VEHICLE);
  let [good, located] = [0, 0];
  for (const { frame, valid, checksum_ok: isRight, phone, location } of vectorsOf('jt808')) {
    const frames = framesIn(protocol, frame);
    // A length that is wrong is no matter here: the marks say where a frame ends.
    if (isRight && valid) assert.equal(frames.length, 1, frame);
    if (!isRight) assert.equal(frames.length, 0, frame);
    const [found] = frames;
    if (!found || !valid) continue;
    good += 1;
    const decoded = decode({ is: 'message', bytes: found.bytes, pointMap: { protocol, byField: null } });
    // A location without all of its fields, or extras that end too early, are the sender's.
    if (!decoded.ok) {
      assert.equal(decoded.fault.code, 'CV_DESCRIBED_SHORT', frame);
      continue;
    }
    const values = Object.fromEntries((decoded.values ?? []).map(({ point, value }) => [point.split('.').at(-1), value]));
    assert.equal(String(values.phone ?? values.longPhone).toLowerCase(), phone);
    if (location === undefined || values.lat === null || values.lat === undefined) continue;
    located += 1;
    const wanted = location as { lat: number; lon: number; speed_kmh: number; status: string };
    // The bits of the status say south and west; the description has the plain number.
    assert.ok(
      Math.abs(Number(values.lat) - Math.abs(wanted.lat)) < 1e-6 && Math.abs(Number(values.lon) - Math.abs(wanted.lon)) < 1e-6,
      frame,
    );
    assert.equal(values.speed, wanted.speed_kmh);
    assert.equal(String(values.status).toLowerCase(), wanted.status.toLowerCase());
  }
  assert.ok(good > 450 && located > 100, `${good} good, ${located} located`);
});

test('GNSS receivers (NMEA 0183): text between separators, as the guide describes it', { skip }, async () => {
  const page = await readFile(new URL('../../docs/described-frames.md', import.meta.url), 'utf8');
  const yaml = /```yaml\nversion: 1\ntitle: \{ zh: 卫星[^\n]*\n([\s\S]*?)```/.exec(page)?.[1];
  assert.ok(yaml);
  const protocol = described(yaml);
  let fixes = 0;
  for (const file of readdirSync(join(folder as string, 'nmea', 'gpsd')).filter((name) => name.endsWith('.log'))) {
    const log = readFileSync(join(folder as string, 'nmea', 'gpsd', file), 'latin1');
    const sentences = log
      .split(/\r?\n/)
      .filter((line) => /^\$(GP|GN|BD)GGA,[^*$]*\*[0-9A-Fa-f]{2}\s*$/.test(line))
      .map((line) => line.trim());
    for (const sentence of sentences) {
      const cuts = new FrameCutter(protocol).feed(Buffer.from(`${sentence}\r\n`, 'latin1'));
      const [found] = cuts;
      if (found?.is !== 'frame') continue;
      fixes += 1;
      const decoded = decode({ is: 'message', bytes: found.bytes, pointMap: { protocol, byField: null } });
      assert.ok(decoded.ok, `${sentence}: ${JSON.stringify(decoded)}`);
      const values = new Map((decoded.values ?? []).map(({ point, value }) => [point, value]));
      const [, , lat = '', northSouth, lon = '', eastWest, , satellites] = sentence.split(',');
      const degrees = (text: string, side: string | undefined, wide: number) =>
        text === '' || side === ''
          ? null
          : (Number(text.slice(0, wide)) + Number(text.slice(wide)) / 60) * (side === 'S' || side === 'W' ? -1 : 1);
      for (const [name, wanted] of [
        ['lat', degrees(lat, northSouth, 2)],
        ['lon', degrees(lon, eastWest, 3)],
      ] as const) {
        const got = values.get(`fix.${name}`);
        if (wanted === null) assert.equal(got, null, sentence);
        else assert.ok(Math.abs(Number(got) - wanted) < 1e-8, `${sentence}: ${String(got)}`);
      }
      assert.equal(values.get('fix.satellites'), satellites === '' ? null : Number(satellites), sentence);
    }
  }
  assert.ok(fixes > 400, `${fixes}`);
});

test(
  'hydrology stations (SL 651): a masked length, elements with their own sizes up to an end mark; as the guide describes it',
  { skip },
  async () => {
    const page = await readFile(new URL('../../docs/described-frames.md', import.meta.url), 'utf8');
    const yaml = /```yaml\nversion: 1\ntitle: \{ zh: 水文[^\n]*\n([\s\S]*?)```/.exec(page)?.[1];
    assert.ok(yaml);
    const protocol = described(yaml);
    let reports = 0;
    for (const { frame, valid, rtu, serial, function: kind } of vectorsOf('sl651')) {
      const [found, ...more] = framesIn(protocol, frame);
      assert.equal(more.length, 0);
      assert.equal(found !== undefined, valid, frame);
      const isReport = ['0x30', '0x32', '0x33'].includes(String(kind));
      if (!found || !isReport) continue;
      reports += 1;
      const decoded = decode({ is: 'message', bytes: found.bytes, pointMap: { protocol, byField: null } });
      assert.ok(decoded.ok && decoded.values);
      const all = (name: string) => decoded.values?.filter(({ point }) => point === `report.${name}`).map(({ value }) => value) ?? [];
      assert.equal(String(all('station')[0]).padStart(10, '0'), rtu);
      assert.equal(all('number')[0], serial);
      assert.ok(all('elements.id').length >= 3);
      assert.deepEqual(all('elements.id').length, all('elements.value').length);
    }
    assert.ok(reports >= 4, `${reports}`);
  },
);
