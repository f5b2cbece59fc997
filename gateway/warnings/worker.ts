/** The thread that owns `state.db`. */
import { serve } from '../sqlite/serve.ts';
import { StateDatabase } from './database.ts';

serve(new StateDatabase().operations);
