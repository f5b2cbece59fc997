/** A thread that reads `store.db`: one answers queries, one compacts and checks. */
import { serveDatabase } from '../sqlite/serve.ts';
import { StoreReader } from './reader.ts';

serveDatabase(new StoreReader().operations);
