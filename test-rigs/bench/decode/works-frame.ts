/** The decode bench for described frames: reports of the compound terminal. */
import { checksumOf } from '../../../drivers/frame/checksum.ts';
import { decode } from '../../../drivers/frame/decode.ts';
import { fieldPointMap } from '../../../drivers/frame/frame.ts';
import { loadDescription } from '../../../drivers/frame/load-description.ts';
import { point, type FramePoint } from '../../../drivers/frame/settings.ts';
import { terminalFrame, tagsBody } from '../../../drivers/frame/testing/terminal.ts';
import { FRAMES, isRead, type DecodeWorkload } from './works.ts';

const TAGS = 10;

export function frameWork(): DecodeWorkload {
  const { protocol } = loadDescription('shipped:compound-terminal');
  if (!protocol) throw new Error('the description of the compound terminal is not sound');
  const reads = (turn: number) =>
    Array.from(
      { length: TAGS },
      (_, at) => ['260101080000', 1 + (at % 4), -60, `3034284${String(turn * TAGS + at).padStart(17, '0')}`] as const,
    );
  const frames = Array.from({ length: FRAMES }, (_, turn) => terminalFrame('500112000017', turn, 2, tagsBody(reads(turn))));
  const plan = fieldPointMap(protocol, [{ id: 'tag', ...(point.parse({ read: 'tags.reads.epc' }) as FramePoint) }]);
  return {
    name: 'frame', unit: 'frames/s', perCall: 1,
    contenders: {
      ours: (turn) => isRead(decode({ is: 'message', bytes: frames[turn % FRAMES] as Uint8Array, pointMap: plan }), TAGS),
      'bare-loop': (turn) => {
        const bytes = frames[turn % FRAMES] as Uint8Array;
        return checksumOf('crc16-modbus', bytes, 2, bytes.length - 2);
      },
    },
  };
}
