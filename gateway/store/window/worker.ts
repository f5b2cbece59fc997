/** The thread that answers windows over every series. */
import { serve } from '../../sqlite/serve.ts';
import { WindowReader } from './window-reader.ts';

serve(new WindowReader().operations);
