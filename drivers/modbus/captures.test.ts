/** Captures made by others, through the driver's own reader and `decode`; what they must give stands in their manifest. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PointValue } from '../../core/driver.ts';
import { readPcap, tcpConversations } from '../../test-rigs/record/capture/testing/pcap.ts';
import { listedFacts, sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import { readTcpAdu, tcpAduBytes } from './adu.ts';
import { decode } from './decode.ts';
import { frameReader } from './frame-reader.ts';

const folder = sharedFolder('traffic');
const skip = skipWithout(folder, 'traffic folder');

interface Sent {
  toServer: boolean;
  bytes: Uint8Array;
}

/** Whole ADUs of a capture in order; what is no Modbus TCP ends its piece. */
function adusOf(name: string): Sent[][] {
  const packets = readPcap(readFileSync(join(folder as string, 'pcap/modbus', `${name}.pcap`)));
  return tcpConversations(packets).filter(({ sides }) => sides.some((side) => side.endsWith(':502'))).map(({ pieces }) => {
    const held = new Map<string, Buffer>();
    const adus: Sent[] = [];
    for (const { from, bytes, afterGap } of pieces) {
      let rest = afterGap ? bytes : Buffer.concat([held.get(from) ?? Buffer.alloc(0), bytes]);
      for (let whole = tcpAduBytes(rest); whole !== null && rest.length >= whole; whole = tcpAduBytes(rest)) {
        if (whole === 0) rest = Buffer.alloc(0);
        else adus.push({ toServer: !from.endsWith(':502'), bytes: rest.subarray(0, whole) });
        rest = rest.subarray(whole);
      }
      held.set(from, rest);
    }
    return adus;
  });
}

/** Each answer with the request of its transaction, as [request, answer]. */
function pairsOf(adus: readonly Sent[]): [Uint8Array, Uint8Array][] {
  const asked = new Map<number | undefined, Uint8Array>();
  const pairs: [Uint8Array, Uint8Array][] = [];
  for (const { toServer, bytes } of adus) {
    const transaction = readTcpAdu(bytes)?.transaction;
    const request = asked.get(transaction);
    if (toServer) asked.set(transaction, bytes);
    else if (request && asked.delete(transaction)) pairs.push([request, bytes]);
  }
  return pairs;
}

/** The values that reading an answer with its request gives; none when there was a fault. */
function valuesOf(request: Uint8Array, answer: Uint8Array): PointValue[] {
  return frameReader.read([request, answer], []).flatMap((read) => {
    const decoded = read.fault ? undefined : decode(read.frame, read.request);
    return decoded?.ok && decoded.values ? decoded.values : [];
  });
}

interface Fact {
  unit: number;
  fc: number;
  register: number;
  first: number;
  times: number;
}

/** `u1 FC4 reg 1 = 21493 (x384)` in the manifest: the register was answered 384 times, at first with 21493. */
function factsOf(name: string): Fact[] {
  return [...listedFacts(`pcap/modbus/${name}.pcap`).matchAll(/u(\d+) FC([34]) reg (\d+) = (\d+) \(x(\d+)\)/g)].map((match) => {
    const [unit, fc, register, first, times] = match.slice(1).map(Number) as [number, number, number, number, number];
    return { unit, fc, register, first, times };
  });
}

for (const name of ['iti_modbus_test', 'icsnpp_modbus_example']) {
  test(`${name}: every FC 3/4 register of the manifest, value and count`, { skip }, () => {
    const facts = factsOf(name);
    assert.ok(facts.length >= 12);
    const seen = new Map<string, number[]>();
    for (const [request, answer] of adusOf(name).flatMap(pairsOf)) {
      const [unit, fc] = [answer[6] as number, answer[7] as number];
      for (const { point, value } of valuesOf(request, answer)) {
        assert.ok(fc >= 1 && fc <= 4, `function ${fc} gives no values`);
        const key = `${unit}/${fc}/${point.split(':')[1]}`;
        seen.set(key, [...(seen.get(key) ?? []), value as number]);
      }
    }
    for (const { unit, fc, register, first, times } of facts) {
      const values = seen.get(`${unit}/${fc}/${register}`) ?? [];
      assert.deepEqual([values[0], values.length], [first, times], `unit ${unit} FC${fc} register ${register}`);
    }
  });

  test(`${name}: functions that read no points give a fault`, { skip }, () => {
    const others = adusOf(name).flatMap(pairsOf).filter(([request]) => (request[7] as number) > 4);
    assert.ok(others.length > 0);
    for (const [request, answer] of others) {
      const [read] = frameReader.read([request, answer], []);
      assert.ok(read);
      const decoded = read.fault ? undefined : decode(read.frame, read.request);
      const fault = read.fault ?? (decoded?.ok === false ? decoded.fault : undefined);
      assert.equal(fault?.code, 'CV_MODBUS_NOT_A_READ', `function ${request[7]}`);
    }
  });
}

for (const name of ['zeek_fuzz-1011', 'zeek_fuzz-72', 'zeek_modbus-and-non-modbus-p502', 'iti_modbus_test_data_part2']) {
  test(`${name}: no crash, and no value but from an answer to exactly that request`, { skip }, () => {
    const adus = adusOf(name).flat();
    const requests = adus.filter((adu) => adu.toServer);
    const answers = adus.filter((adu) => !adu.toServer);
    for (const { bytes: request } of requests) {
      for (const { bytes: answer } of answers) {
        const values = valuesOf(request, answer);
        if (values.length === 0) continue;
        assert.deepEqual([...answer.subarray(0, 2), answer[6], answer[7]], [...request.subarray(0, 2), request[6], request[7]]);
        assert.equal(values.length, ((request[10] as number) << 8) | (request[11] as number));
        if ((request[7] as number) > 2) assert.deepEqual(values.map((one) => one.value), registersIn(answer));
      }
    }
  });
}

function registersIn(answer: Uint8Array): number[] {
  const data = Buffer.from(answer).subarray(9);
  return Array.from({ length: data.length / 2 }, (_, at) => data.readUInt16BE(at * 2));
}
