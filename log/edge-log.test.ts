import { TEST_CENTRE } from '../core/testing/drafts.ts';
import { edgeLogContract } from './testing/edge-log-contract.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { openEdgeLog } from './edge-log.ts';
import { directStorage, workerStorage } from './worker-storage.ts';

for (const [name, storage] of [['edge log in its thread', workerStorage], ['edge log without a thread', directStorage]] as const) {
  edgeLogContract(name, async () => {
    const { dir, remove } = await tempDir();
    const world = testWorld();
    return {
      open: () => openEdgeLog({ dir, edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 64 << 20 }, world, storage()),
      closeGroups: () => world.clock.advanceMs(2000),
      remove,
    };
  });
}
