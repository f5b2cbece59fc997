/** The fault tables of all drivers, for code that explains faults without loading the drivers: the gateway, `status`, the docs. */
import './camera/faults.ts';
import './frame/faults.ts';
import './hj212/faults.ts';
import './llrp/faults.ts';
import './modbus/faults.ts';
import './mqtt-in/faults.ts';
import './opcua/faults.ts';
