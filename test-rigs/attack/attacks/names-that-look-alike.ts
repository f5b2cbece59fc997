import type { Attack } from '../rig.ts';

/** Of the first administrator, and of a user whose name has an accent. */
const ALIKE = [
  'Chief', 'CHIEF', 'ｃｈｉｅｆ', ' chief', 'chief\u200B', 'chi\u00ADef', 'ch\u0456ef', 'jose\u0301', 'JOSÉ', 'Jose\u0301',
];

export default {
  name: 'users named like another in other case or Unicode form', clause: 'own',
  async run(rig) {
    const { administrator } = rig;
    const add = (name: string) =>
      rig.get('/api/v1/users', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-cityvitals': '1', cookie: administrator.cookie },
        body: JSON.stringify({ name, grants: [{ role: 'viewer', centre: '*' }] }),
      });
    const first = await add('josé');
    const statuses = await Promise.all(ALIKE.map(async (name) => [name, (await add(name)).status] as const));
    const taken = statuses.filter(([, status]) => status !== 409 && status !== 400);
    // However it is typed, it is the same person.
    const signedIn = await rig.get('/api/v1/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-cityvitals': '1' },
      body: JSON.stringify({ user: 'ＣＨＩＥＦ', password: administrator.password }),
    });
    const name = (signedIn.body as { name?: string } | null)?.name;
    const words = taken.length === 0 ? `none of ${ALIKE.length} taken` : taken.map(([one]) => JSON.stringify(one)).join(', ');
    return {
      held: first.status < 300 && taken.length === 0 && name === administrator.name,
      detail: `${words}; signed in as ${name ?? signedIn.status}`,
    };
  },
} satisfies Attack;
