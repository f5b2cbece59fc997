import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createZstdCompress } from 'node:zlib';
import { attackPauseMs, type Attack } from '../rig.ts';

export default {
  name: '256 MB in a zstd bomb, ten times', clause: 'own',
  async run(rig) {
    const nothing = Buffer.alloc(1 << 20);
    const bomb = await buffer(Readable.from(Array.from({ length: 256 }, () => nothing)).pipe(createZstdCompress()));
    const beforeMB = rig.rssMB(rig.gateway);
    const hostile = await rig.sender('hostile');
    for (let count = 0; count < 10; count += 1) hostile.publish('up', Buffer.concat([bomb, Buffer.from([count])]));
    const tookMs = await rig.honest.send(1, 'honest-d');
    await attackPauseMs(500);
    const moreMB = rig.rssMB(rig.gateway) - beforeMB;
    await hostile.client.endAsync(true);
    return {
      held: moreMB < 200 && tookMs !== null && tookMs < 1500,
      detail: `${moreMB} MB more, honest ack after ${Math.round(tookMs ?? Infinity)} ms`,
    };
  },
} satisfies Attack;
