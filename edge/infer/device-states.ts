/** What is said of cameras whose pictures come and cannot be looked at. Pure. */
import type { DeviceState } from '../../core/wire/messages.ts';
import type { InferStation } from './picture-line.ts';

/** A camera that answers has its model's fault for a reason, before what its link says of itself. */
export function withDetectorFaults(states: readonly DeviceState[], { faultOf }: Pick<InferStation, 'faultOf'>): DeviceState[] {
  return states.map((state) => {
    const fault = state.online && state.pictures ? faultOf(state.id) : null;
    return fault ? { ...state, reason: fault.code } : state;
  });
}
