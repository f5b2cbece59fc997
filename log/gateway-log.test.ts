import { gatewayLogContract } from './testing/gateway-log-contract.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { openGatewayLog } from './gateway-log.ts';
import { directStorage, workerStorage } from './worker-storage.ts';

for (const [name, storage] of [['gateway log in its thread', workerStorage], ['gateway log without a thread', directStorage]] as const) {
  gatewayLogContract(name, async () => {
    const { dir, remove } = await tempDir();
    const world = testWorld();
    return { open: () => openGatewayLog({ dir, gateway: 'town-1', maxBytes: 64 << 20, keepMs: 3600_000 }, world, storage()), remove };
  });
}
