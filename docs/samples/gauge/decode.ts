/** `>+001.850 +18.5 30` CR: level, temperature, XOR of all between `>` and itself. Pure: no clock, no I/O. */
import { lost, type Decoded, type FrameReader, type PointValue, type Request } from '../../../core/driver.ts';

export interface Ask extends Request {
  unit: number;
}

const ANSWER = /^>([+-]\d{3}\.\d{3}|-{8}) ([+-]\d{2}\.\d|-{5}) ([0-9A-F]{2})\r$/;

/** @returns what it says of both; `-` all along stands for a sensor at fault. A wrong checksum never gives a value */
export function decode(frame: Uint8Array, request?: Ask): Decoded<'level' | 'temperature'> {
  const text = Buffer.from(frame).toString('latin1');
  const [, level = '', temperature = '', check = ''] = ANSWER.exec(text) ?? [];
  if (check === '') return lost('CV_FRAME_INVALID', { detail: text.slice(0, 24), detailZh: text.slice(0, 24) });
  if (Number.parseInt(check, 16) !== checkOf(frame)) return lost('CV_FRAME_CHECKSUM', { detail: text.slice(0, 24), detailZh: text.slice(0, 24) });
  const values = [valueOf('level', level), valueOf('temperature', temperature)];
  return { ok: true, values: values.filter(({ point }) => request?.points.includes(point) ?? true) };
}

function valueOf<P extends string>(point: P, text: string): PointValue<P> {
  return text.startsWith('--') ? { point, value: null, quality: 'bad', flags: ['sensor'] } : { point, value: Number(text) };
}

/** Of an answer, its last three bytes being the check value itself and CR. */
export function checkOf(frame: Uint8Array): number {
  return frame.subarray(1, -3).reduce((all, byte) => all ^ byte, 0);
}

/** For `cityvitals decode gauge --hex …`. */
export const frameReader: FrameReader<Uint8Array, Ask> = {
  level: 'bytes',
  read: (input) => input.flatMap((bytes) => (bytes instanceof Uint8Array ? [{ frame: bytes }] : [])),
};
