/** Commands as the API asks for them: how often, and what became of them. */
import { RateLimit } from '../../core/rate-limit.ts';
import type { World } from '../../core/world.ts';
import type { CommandSource } from '../http/sources.ts';
import type { Dispatch } from './dispatch.ts';
import { commandView } from './view.ts';

/** Of one operator, a minute. */
const MAX_COMMANDS = 60;

export function commandSource(dispatch: Pick<Dispatch, 'ask' | 'ledger'>, world: Pick<World, 'clock'>): CommandSource {
  const commands = new RateLimit(MAX_COMMANDS, world.clock);
  const nowMs = () => world.clock.nowMs();
  return {
    async ask(request, by) {
      commands.count(by);
      return commandView(await dispatch.ask(request, by), nowMs());
    },
    get(id) {
      const entry = dispatch.ledger.get(id);
      return entry ? commandView(entry, nowMs()) : null;
    },
    list: () => dispatch.ledger.all().map((entry) => ({ ...commandView(entry, nowMs()), picture: null })),
  };
}
