/** `>+001.850 +18.5 30` CR: level, temperature, XOR of all between `>` and itself. Pure: no clock, no I/O. */
import { lostFrame, type Decoded, type FrameReader, type PointValue, type Request } from '../../../core/driver.ts';

export interface GaugeRequest extends Request {
  unit: number;
}

const ANSWER = /^>([+-]\d{3}\.\d{3}|-{8}) ([+-]\d{2}\.\d|-{5}) ([0-9A-F]{2})\r$/;

/** @returns both values; `-` in every place is a sensor fault. A wrong checksum never gives a value */
export function decode(frame: Uint8Array, request?: GaugeRequest): Decoded<'level' | 'temperature'> {
  const text = Buffer.from(frame).toString('latin1');
  const [, level = '', temperature = '', check = ''] = ANSWER.exec(text) ?? [];
  if (check === '') return lostFrame('CV_FRAME_INVALID', { detail: text.slice(0, 24), detailZh: text.slice(0, 24) });
  if (Number.parseInt(check, 16) !== checkOf(frame)) return lostFrame('CV_FRAME_CHECKSUM', { detail: text.slice(0, 24), detailZh: text.slice(0, 24) });
  const values = [valueOf('level', level), valueOf('temperature', temperature)];
  return { ok: true, values: values.filter(({ point }) => request?.points.includes(point) ?? true) };
}

function valueOf<P extends string>(point: P, text: string): PointValue<P> {
  return text.startsWith('--') ? { point, value: null, quality: 'bad', flags: ['sensor'] } : { point, value: Number(text) };
}

/** Checksum of an answer, whose last three bytes are the checksum itself and CR. */
export function checkOf(frame: Uint8Array): number {
  return frame.subarray(1, -3).reduce((all, byte) => all ^ byte, 0);
}

/** For `cityvitals decode gauge --hex …`. */
export const frameReader: FrameReader<Uint8Array, GaugeRequest> = {
  level: 'bytes',
  read: (input) => input.flatMap((bytes) => (bytes instanceof Uint8Array ? [{ frame: bytes }] : [])),
};
