/** How the gauge is recorded and played back: where a message ends, and its role. */
import type { BytesRecording } from '../../../core/recording.ts';
import { checkOf, type GaugeRequest } from './decode.ts';
import type { GaugeSettings } from './settings.ts';
import { requestBytes } from './link.ts';

const CR = 0x0d;
const MAX_BYTES = 64;

export const recording: BytesRecording<GaugeSettings, { id: string }, GaugeRequest> = {
  level: 'bytes',
  cut(bytes, direction) {
    if (bytes[0] !== (direction === 'in' ? 0x3e : 0x23)) return 0;
    const end = bytes.indexOf(CR);
    return end < 0 ? (bytes.length > MAX_BYTES ? 0 : null) : end + 1;
  },
  notes: (_message, direction) => ({ role: direction === 'out' ? 'asks' : 'answers' }),
  seal(message, direction) {
    if (direction === 'in' && message.length > 4) Buffer.from(checkOf(message).toString(16).toUpperCase().padStart(2, '0')).copy(message, message.length - 3);
  },
  requestOf: (message, points, { unit }) => (requestBytes(unit).equals(message) ? { points: points.map(({ id }) => id), unit } : null),
};
