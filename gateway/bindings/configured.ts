/** The bindings of a configuration, made anew only when it changes. */
import type { GatewaySetup } from '../config/setup.ts';
import type { ConfiguredBindings } from './bindings.ts';

/** @param setup read again each time: a changed configuration is taken in while the gateway runs */
export function configuredBindings(setup: Pick<GatewaySetup, 'bindings' | 'broker' | 'relays'>): () => ConfiguredBindings {
  let from: unknown[] = [];
  let made: ConfiguredBindings = { devices: [], centres: [], relays: [] };
  return () => {
    const { bindings = [], broker, relays } = setup;
    const now = [setup.bindings, broker, relays];
    if (now.every((part, at) => part === from[at]) && from.length > 0) return made;
    from = now;
    const { edges = [] } = broker;
    made = {
      devices: bindings,
      relays,
      centres: edges.flatMap(({ id, centres = [] }) => (centres.length > 0 ? [{ edge: id, centres }] : [])),
    };
    return made;
  };
}
