/** Every fault table there is, for code that explains what other processes say: `status`, the docs. */
import '../cases/faults.ts';
import '../drivers/faults.ts';
import '../edge/identity/faults.ts';
import '../gateway/audit/faults.ts';
import '../gateway/certificates/faults.ts';
import '../gateway/people/faults.ts';
import '../gateway/sinks/faults.ts';
import '../gateway/tls/faults.ts';
import '../log/at-rest/faults.ts';
import '../log/evidence/faults.ts';
import '../log/faults.ts';
import '../models/faults.ts';
import './doctor/faults.ts';
import './faults.ts';
