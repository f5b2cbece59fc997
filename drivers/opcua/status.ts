/** StatusCode → quality and flags (OPC 10000-4, 7.39; OPC 10000-8, 6.3). The sub-code decides; info bits are ignored. */
import type { Flag, Quality } from '../../core/event.ts';

interface StatusQuality {
  quality: Quality;
  flags: Flag[];
}

const BY_CODE: Readonly<Record<number, StatusQuality>> = {
  0x00000000: { quality: 'good', flags: [] },
  0x00960000: { quality: 'good', flags: ['override'] }, // GoodLocalOverride
  0x40900000: { quality: 'uncertain', flags: ['stale'] }, // UncertainLastUsableValue
  0x40910000: { quality: 'uncertain', flags: ['substituted'] }, // UncertainSubstituteValue
  0x40920000: { quality: 'uncertain', flags: ['initial'] }, // UncertainInitialValue
  0x40930000: { quality: 'uncertain', flags: ['sensor'] }, // UncertainSensorNotAccurate
  0x40940000: { quality: 'uncertain', flags: ['sensor'] }, // UncertainEngineeringUnitsExceeded
  0x40950000: { quality: 'uncertain', flags: ['sensor'] }, // UncertainSubNormal
  0x80310000: { quality: 'bad', flags: ['comm'] }, // BadNoCommunication
  0x80320000: { quality: 'bad', flags: ['comm'] }, // BadWaitingForInitialData
  0x80330000: { quality: 'bad', flags: ['config'] }, // BadNodeIdInvalid
  0x80340000: { quality: 'bad', flags: ['config'] }, // BadNodeIdUnknown
  0x80890000: { quality: 'bad', flags: ['config'] }, // BadConfigurationError
  0x808a0000: { quality: 'bad', flags: ['comm'] }, // BadNotConnected
  0x808b0000: { quality: 'bad', flags: ['device'] }, // BadDeviceFailure
  0x808c0000: { quality: 'bad', flags: ['sensor'] }, // BadSensorFailure
  0x808d0000: { quality: 'bad', flags: ['maintenance'] }, // BadOutOfService
};

const OVERFLOW_BITS = 0x0480; // InfoType DataValue (01) and Overflow

/** Top two bits: 00 good, 01 uncertain, 10 and 11 bad. */
export function qualityOfStatus(status: number): StatusQuality {
  const known = BY_CODE[(status & 0xffff0000) >>> 0];
  if (known) return known;
  const severity = status >>> 30;
  if (severity === 0) return { quality: 'good', flags: [] };
  return { quality: severity === 1 ? 'uncertain' : 'bad', flags: ['other'] };
}

/** The server's queue overflowed: values before this one were lost. */
export function hasOverflow(status: number): boolean {
  return (status & OVERFLOW_BITS) === OVERFLOW_BITS;
}

export function statusText(status: number): string {
  return `0x${(status >>> 0).toString(16).padStart(8, '0')}`;
}
