import { edgeLogContract } from './edge-log-contract.ts';
import { TEST_CENTRE } from '../../core/testing/drafts.ts';
import { gatewayLogContract } from './gateway-log-contract.ts';
import { memoryDisk, openMemoryEdgeLog, openMemoryGatewayLog } from './memory-log.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';

edgeLogContract('edge log in memory', () => {
  const [disk, world] = [memoryDisk(), testWorld()];
  return Promise.resolve({
    open: () => openMemoryEdgeLog({ edge: 'pump-07', centre: TEST_CENTRE }, world, disk),
    closeGroups: () => world.clock.advanceMs(2000),
    remove: () => Promise.resolve(),
  });
});

gatewayLogContract('gateway log in memory', () =>
  Promise.resolve({ open: () => openMemoryGatewayLog({ gateway: 'town-1' }, testWorld()), remove: () => Promise.resolve() }),
);
