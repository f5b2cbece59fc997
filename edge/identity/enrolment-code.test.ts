import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base32 } from '../../core/certificates.ts';
import { FaultError } from '../../core/faults.ts';
import { parseEnrolmentCode } from './enrolment-code.ts';

const SECRET = 'MFRGGZDFMZTWQ2LK';
const DIGEST = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

test('base32 is that of RFC 4648, without padding', () => {
  const coded = ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((text) => base32(Buffer.from(text)));
  assert.deepEqual(coded, ['', 'MY', 'MZXQ', 'MZXW6', 'MZXW6YQ', 'MZXW6YTB', 'MZXW6YTBOI']);
  assert.equal(base32(new Uint8Array(10)).length, 16);
  assert.equal(base32(new Uint8Array(16).fill(255)), '77777777777777777777777774');
});

test('a code is read as people type it', () => {
  const code = { secret: SECRET, caDigest: DIGEST };
  assert.deepEqual(parseEnrolmentCode(`${SECRET}-${DIGEST}`), code);
  const misread = DIGEST.replace('O', '0').replace('I', '1').replace('B', '8');
  assert.deepEqual(parseEnrolmentCode(` ${SECRET.toLowerCase().replace(/(.{4})/g, '$1 ')}-\n${misread}`), code);
});

test('one that is not whole is refused, and stands in no message', () => {
  for (const text of ['', SECRET, `${SECRET}-${DIGEST}A`, `${SECRET}-${DIGEST.slice(1)}9`, `${SECRET}-${DIGEST}${'A'.repeat(1e6)}`]) {
    assert.throws(() => parseEnrolmentCode(text), (error) => {
      assert.ok(error instanceof FaultError && error.fault.code === 'CV_ENROLMENT_CODE');
      assert.ok(!JSON.stringify(error.fault).includes(SECRET));
      return true;
    });
  }
});
