/** A thread that reads `store.db`: one answers queries, one compacts and checks. */
import { serve } from '../sqlite/serve.ts';
import { StoreReader } from './reader.ts';

serve(new StoreReader().operations);
