/** What the InfluxDB sink lends the contract suite: our strict server. */
import type { Ailment, SinkDouble } from '../testing/sink-contract.ts';
import { SELF_MEASUREMENT } from './lines.ts';
import { startStrictServer, type ServerBehaviour } from './testing/strict-server.ts';

const SECRET = 'hush-7f3a9c==';

const MOODS: Record<Ailment, ServerBehaviour> = {
  silent: { kind: 'hang' },
  resets: { kind: 'close' },
  busy: { kind: 'status', status: 503, body: 'hinted handoff queue not empty' },
  denies: { kind: 'status', status: 401 },
  missing: { kind: 'status', status: 404, body: '{"code":"not found","message":"bucket \\"city\\" not found"}' },
  garbage: { kind: 'status', status: 200, body: '<html>Please log in</html>' },
  echoes: { kind: 'status', status: 500, body: `Authorization: Token ${SECRET}` },
};

export const double: SinkDouble = {
  async start() {
    let bad: string | null = null;
    const server = await startStrictServer({
      token: SECRET,
      bucket: 'city',
      refuse: (_line, { tags }) => (bad !== null && tags.device === bad ? 'it does not like the device' : null),
    });
    const own = () => server.points().filter(({ measurement }) => measurement === SELF_MEASUREMENT);
    return {
      settings: { url: server.url, org: 'town', bucket: 'city', token: SECRET, timeout: '300ms' },
      secret: SECRET,
      held: () => server.points().length - own().length,
      holes: () => own().filter(({ fields }) => fields.missing).length,
      falls: (ailment) => server.setMood(ailment && MOODS[ailment]),
      refuses: (device) => { bad = device; },
      stop: () => server.close(),
    };
  },
};
