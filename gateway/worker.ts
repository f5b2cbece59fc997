/** The thread that owns the small databases of a gateway: `state.db`, `presence.db`, `people.db` and `certificates.db`. */
import { CERTIFICATE_TABLES } from './certificates/records.ts';
import { PEOPLE_TABLES } from './people/database.ts';
import { PresenceDatabase } from './presence/database.ts';
import { JsonRowsDatabase } from './sqlite/json-rows.ts';
import { serveDatabases } from './sqlite/serve.ts';
import { StateDatabase } from './warnings/database.ts';

serveDatabases({
  state: new StateDatabase().operations,
  presence: new PresenceDatabase().operations,
  people: new JsonRowsDatabase(PEOPLE_TABLES).operations,
  certificates: new JsonRowsDatabase(CERTIFICATE_TABLES).operations,
});
