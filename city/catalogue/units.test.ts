import assert from 'node:assert/strict';
import { test } from 'node:test';
import ucum from '@lhncbc/ucum-lhc';
import { checkUnit, convertUnit, unitConverter, COMMON_UNITS } from './units.ts';

test('UCUM codes pass; what people write instead comes back with the right code', () => {
  for (const code of ['m', 'Cel', '%', 'ug/m3', '{person}', '[ppm]', 'kW.h', '1', 'm3/h', '%{LEL}', 'mm/h', 'dB', '/min'])
    assert.deepEqual(checkUnit(code), { ok: true }, code);
  const meant: Record<string, string> = {
    '°C': 'Cel',
    '℃': 'Cel',
    degC: 'Cel',
    'm³/h': 'm3/h',
    'm^3/h': 'm3/h',
    'μg/m³': 'ug/m3',
    kWh: 'kW.h',
    KW: 'kW',
    ppm: '[ppm]',
    rpm: '/min',
    meter: 'm',
    NTU: '{NTU}',
    Lux: 'lx',
    mmHg: 'mm[Hg]',
    'm ': 'm',
    HZ: 'Hz',
    '°F': '[degF]',
    MPA: 'MPa',
  };
  for (const [written, suggestion] of Object.entries(meant)) assert.deepEqual(checkUnit(written), { ok: false, suggestion }, written);
  for (const nonsense of [
    'k__proto__01', '__proto__', 'constructor', 'kconstructor', 'm.toString', '长度', 'foo', 'xx/yy', '!', ' ',
    'm'.repeat(500),
  ])
    assert.deepEqual(checkUnit(nonsense), { ok: false, suggestion: null }, nonsense);
});

test('values are converted, also between scales with different zeros, and never between different things', () => {
  assert.equal(convertUnit(1.5, 'm', 'cm'), 150);
  assert.ok(Math.abs((convertUnit(20, 'Cel', '[degF]') ?? 0) - 68) < 1e-9);
  assert.equal(convertUnit(1, 'm', 'kg'), null);
  assert.equal(convertUnit(1, 'constructor', 'm'), null);
  assert.equal(convertUnit(1, '', 'm'), null);
  assert.equal(convertUnit(3, '{a}', '{a}'), 3);
  assert.equal(unitConverter('m', 'kg'), null);
  for (const [from, to] of [['Cel', '[degF]'], ['K', 'Cel'], ['mm', 'm'], ['kPa', 'bar'], ['L/s', 'm3/h'], ['[pH]', 'mol/L']] as const) {
    const through = unitConverter(from, to);
    for (const value of [-40, 0, 0.1, 7, 1013.25, 1e6]) {
      const wanted = convertUnit(value, from, to);
      if (wanted === null) continue;
      assert.ok(Math.abs((through?.(value) ?? NaN) - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted)), `${value} ${from} to ${to}`);
    }
  }
});

test('what is known without the library is what the library knows', () => {
  const library = ucum.UcumLhcUtils.getInstance();
  assert.deepEqual(COMMON_UNITS.filter((code) => library.validateUnitString(code).status !== 'valid'), []);
});
