/** The bindings of a configuration, made anew only when it changes. */
import type { GatewaySetup } from '../config/setup.ts';
import type { ConfiguredBindings } from './bindings.ts';

/**
 * @param setup read again each time: a changed configuration is taken in while the gateway runs
 * @param enrolled edges with certificates, which say their centres, the same array until they change: it is asked for each
 * event; where the configuration names some, those count
 */
export function configuredBindings(
  setup: Pick<GatewaySetup, 'bindings' | 'broker' | 'relays'>,
  enrolled: () => ConfiguredBindings['centres'] | undefined = () => undefined,
): () => ConfiguredBindings {
  let from: unknown[] = [];
  let made: ConfiguredBindings = { devices: [], centres: [], relays: [] };
  return () => {
    const { bindings = [], broker, relays } = setup;
    const byCertificate = enrolled();
    const now = [setup.bindings, broker, relays, byCertificate];
    if (now.every((part, at) => part === from[at]) && from.length > 0) return made;
    from = now;
    const { edges = [] } = broker;
    made = {
      devices: bindings,
      relays,
      // The later counts.
      centres: [...(byCertificate ?? []), ...edges.flatMap(({ id, centres = [] }) => (centres.length > 0 ? [{ edge: id, centres }] : []))],
    };
    return made;
  };
}
