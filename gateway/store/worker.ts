/** The thread that owns `store.db`. */
import { serveDatabase } from '../sqlite/serve.ts';
import { StoreDatabase } from './database.ts';

serveDatabase(new StoreDatabase().operations);
