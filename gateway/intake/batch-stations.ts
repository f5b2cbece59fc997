/** The stations of intake's line: what `accept.ts`, `batch-keeper.ts` and `acks.ts` make of a batch, and where it ends when it goes no further. */
import { FaultError, type Fault } from '../../core/faults.ts';
import type { Bindings } from '../bindings/bindings.ts';
import type { GatewaySetup } from '../config/setup.ts';
import { checkBatch, type CheckedBatch } from './accept.ts';
import { refusedRanges, type Acks } from './acks.ts';
import type { BatchStation } from './batch-task.ts';
import type { IntakeCounts } from './intake-counts.ts';
import { isBatchError, type BatchKeeper } from './batch-keeper.ts';
import type { Refusals } from './refusals.ts';

export interface AcceptBatchParts {
  /** Read for each batch: it changes while the gateway runs. */
  setup: Pick<GatewaySetup, 'accepts' | 'exercise' | 'relays'>;
  bindings?: Pick<Bindings, 'admit' | 'admitCentre'> | undefined;
  refusals: Refusals;
}

/** Checks the batch and each of its events. One that cannot be read ends here, in quarantine. */
export function acceptBatch({ setup, bindings, refusals }: AcceptBatchParts): BatchStation {
  return (task) => {
    const { address, payload, receivedAt } = task;
    try {
      const accepts = setup.exercise ? null : setup.accepts;
      task.checked = checkBatch(payload, address.edge, { nowMs: receivedAt, accepts, relays: setup.relays, ...(bindings && { bindings }) });
    } catch (error) {
      // It waits for the quarantine, and nobody else does.
      task.separate();
      if (isBatchError(error)) return refusals.refuseBatch(task, unwritableFault(error));
      if (!(error instanceof FaultError)) throw error;
      return refusals.refuseBatch(task, error.fault);
    }
    if (task.checked.refused.length > 0) task.separate();
    return true;
  };
}

/** Whose a device is must outlive a crash before anything of it is answered: it is forced to disk beside the events. */
export function startBinding(bindings: Pick<Bindings, 'written'> | undefined): BatchStation {
  return (task) => {
    task.bindingsWritten = bindings?.written() ?? null;
    task.bindingsWritten?.catch(() => undefined);
    return true;
  };
}

/** Puts what is new of it into the log. What cannot be written ends here, in quarantine; what the gateway's end cuts off is sent again. */
export function keepBatch(keeper: BatchKeeper, refusals: Refusals): BatchStation {
  return async (task) => {
    const { payload, receivedAt } = task;
    const onFailure = () => { if (!keeper.isLogFull) task.separate(); };
    const outcome = await keeper.keep({ checked: checkedOf(task), payload, receivedAt, onFailure });
    task.outcome = outcome;
    if (outcome.kind === 'closed') return false;
    return outcome.kind === 'unwritable' ? refusals.refuseBatch(task, unwritableFault(outcome.error)) : true;
  };
}

export function countBatch(counts: IntakeCounts): BatchStation {
  return (task) => {
    const { address: { edge }, receivedAt, outcome } = task;
    const { stream } = checkedOf(task).batch.name;
    if (outcome?.kind === 'too-many-holes') counts.tooManyHoles(edge, stream);
    if (outcome && 'duplicates' in outcome) counts.duplicates(edge, outcome.duplicates);
    if (outcome?.kind === 'kept') counts.kept(edge, stream, outcome.groups, outcome.refused, receivedAt);
    return true;
  };
}

export const finishBinding: BatchStation = async ({ bindingsWritten }) => {
  await bindingsWritten;
  return true;
};

/** Everything that is answered is on disk: an ack of its stream is due, and of those that its gap records settle. */
export function acknowledgeBatch(acks: Acks): BatchStation {
  return (task) => {
    const { address: { centre, edge }, outcome } = task;
    const { batch: { name: { stream, epoch } }, gapRanges } = checkedOf(task);
    acks.due(centre, edge, stream, epoch, outcome?.kind === 'kept' ? refusedRanges(outcome.refused) : []);
    for (const range of gapRanges) {
      if (range.stream !== stream || range.epoch !== epoch) acks.due(centre, edge, range.stream, range.epoch);
    }
    return true;
  };
}

function checkedOf({ checked }: { checked: CheckedBatch | null }): CheckedBatch {
  if (!checked) throw new Error('a batch is accepted before anything else is done with it');
  return checked;
}

const unwritableFault = (error: unknown): Fault => ({ code: 'CV_WIRE_SHAPE', params: { detail: (error as Error).message } });
