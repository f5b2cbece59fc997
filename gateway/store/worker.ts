/** The thread that owns `store.db`. */
import { serve } from '../sqlite/serve.ts';
import { StoreDatabase } from './database.ts';

serve(new StoreDatabase().operations);
