/** The faults of all drivers, for whoever explains one of a driver that is not loaded: the gateway, `status`, the documents. */
import './camera/faults.ts';
import './frame/faults.ts';
import './hj212/faults.ts';
import './llrp/faults.ts';
import './modbus/faults.ts';
import './mqtt-in/faults.ts';
import './opcua/faults.ts';
