/** Appends groups as fast as possible until killed and prints what is durable, what failed and disk faults: `appender.ts DIR [MAX_FILE_BYTES]`. */
import { openEdgeLog } from '../edge-log.ts';
import { realWorld } from '../../core/world.ts';
import { TEST_CENTRE, testDrafts } from '../../core/testing/drafts.ts';

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

const [, , dir = '', maxFileBytes] = process.argv;
const log = await openEdgeLog(
  {
    dir,
    edge: 'pump-07',
    centre: TEST_CENTRE,
    maxBytes: 64 << 20,
    ...(maxFileBytes !== undefined && { maxFileBytes: Number(maxFileBytes) }),
  },
  realWorld((event) => {
    if (event.kind === 'fault') say({ fault: event.fault.code });
  }),
);
say({ epoch: log.epoch });
for (let next = 1; ; ) {
  const sizes = [1, 7, 30];
  const calls = sizes.map((size, index) => {
    const from = next + sizes.slice(0, index).reduce((sum, one) => sum + one, 0);
    return log.append(testDrafts(from, size, { kind: 'state' })).then(
      () => say({ from, to: from + size - 1 }),
      (error: Error) => say({ failed: error.name }),
    );
  });
  next += sizes.reduce((sum, one) => sum + one, 0);
  await Promise.all(calls);
}
