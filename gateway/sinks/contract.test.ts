/** Every sink of the index keeps the contract; a new one is held to it by being there. */
import { sinkContract, type SinkDouble } from './testing/sink-contract.ts';
import { SINKS } from './index.ts';

for (const { id, load } of SINKS) {
  const { double } = (await import(`./${id}/contract.ts`)) as { double: SinkDouble };
  sinkContract(await load(), double);
}
