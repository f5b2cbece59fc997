/** All that stands under `components.schemas` of the OpenAPI document, a file a resource; loading a file names its shapes. */
import './fields.ts';
import './devices.ts';
import './bindings.ts';
import './unknown-devices.ts';
import './pictures.ts';
import './session.ts';
import './users.ts';
import './audit.ts';
import './live-view.ts';
import './series.ts';
import './warnings.ts';
import './status.ts';
import './store-check.ts';
import './indicators.ts';
import './quarantine.ts';
import './commands.ts';
import './problem.ts';
import './demo.ts';
import './live.ts';
import './health.ts';
import './events.ts';
import './document.ts';

export { schemasByName as componentSchemas } from './component.ts';
