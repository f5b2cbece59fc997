/** The thread that answers windows over every series. */
import { serveDatabase } from '../../sqlite/serve.ts';
import { WindowReader } from './window-reader.ts';

serveDatabase(new WindowReader().operations);
