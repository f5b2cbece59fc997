/** Commands as the API asks for them: who may, and what became of them. */
import type { World } from '../../core/world.ts';
import type { CommandSource } from '../http/sources.ts';
import type { OperatorSetup } from '../config/setup.ts';
import type { Dispatch } from './dispatch.ts';
import { Operators } from './operators.ts';
import { commandView } from './view.ts';

export function commandSource(setup: readonly OperatorSetup[], dispatch: Dispatch, world: Pick<World, 'clock'>): CommandSource {
  const operators = new Operators(setup, world.clock);
  const nowMs = () => world.clock.nowMs();
  return {
    identify: (authorization, address) => operators.identify(authorization, address),
    async ask(request, by) {
      operators.admit(by);
      return commandView(await dispatch.ask(request, by), nowMs());
    },
    get(id) {
      const entry = dispatch.ledger.get(id);
      return entry ? commandView(entry, nowMs()) : null;
    },
    list: () => dispatch.ledger.all().map((entry) => ({ ...commandView(entry, nowMs()), picture: null })),
  };
}
