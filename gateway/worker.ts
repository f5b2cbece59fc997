/** The thread that owns the small databases of a gateway: `state.db`, `presence.db` and `people.db`. */
import { PresenceDatabase } from './presence/database.ts';
import { PeopleDatabase } from './people/database.ts';
import { serveDatabases } from './sqlite/serve.ts';
import { StateDatabase } from './warnings/database.ts';

serveDatabases({ state: new StateDatabase().operations, presence: new PresenceDatabase().operations, people: new PeopleDatabase().operations });
