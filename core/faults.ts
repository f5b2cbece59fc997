/**
 * The closed table of faults. A row says where it happens, whether trying again helps, who acts, and, in both
 * languages, what happened and what to do. Rows live in `faults/`, by area; docs/faults.md is generated from them.
 */
import { API_FAULTS } from './faults/api.ts';
import { CAMERA_FAULTS } from './faults/camera.ts';
import { CASE_FAULTS } from './faults/cases.ts';
import { CLI_FAULTS } from './faults/cli.ts';
import { CLOCK_FAULTS } from './faults/clock.ts';
import { COMMAND_FAULTS } from './faults/command.ts';
import { CONFIG_FAULTS } from './faults/config.ts';
import { DESCRIBED_FAULTS } from './faults/described.ts';
import { DEVICE_FAULTS } from './faults/device.ts';
import { DOCTOR_FAULTS } from './faults/doctor.ts';
import { EVIDENCE_FAULTS } from './faults/evidence.ts';
import { GATEWAY_FAULTS } from './faults/gateway.ts';
import { HJ212_FAULTS } from './faults/hj212.ts';
import { LIVE_FAULTS } from './faults/live.ts';
import { LLRP_FAULTS } from './faults/llrp.ts';
import { LOG_FAULTS } from './faults/log.ts';
import { MODBUS_FAULTS } from './faults/modbus.ts';
import { MODEL_FAULTS } from './faults/models.ts';
import { MQTT_IN_FAULTS } from './faults/mqtt-in.ts';
import { OPCUA_FAULTS } from './faults/opcua.ts';
import { VISION_FAULTS } from './faults/vision.ts';
import { WIRE_FAULTS } from './faults/wire.ts';
import type { FaultRow } from './faults/row.ts';

export const FAULTS = {
  ...CONFIG_FAULTS, ...DEVICE_FAULTS, ...MODBUS_FAULTS, ...OPCUA_FAULTS, ...HJ212_FAULTS, ...LLRP_FAULTS, ...MQTT_IN_FAULTS, ...DESCRIBED_FAULTS, ...VISION_FAULTS, ...MODEL_FAULTS, ...CAMERA_FAULTS, ...EVIDENCE_FAULTS, ...LOG_FAULTS, ...CLOCK_FAULTS, ...WIRE_FAULTS, ...COMMAND_FAULTS, ...GATEWAY_FAULTS, ...API_FAULTS, ...LIVE_FAULTS, ...CASE_FAULTS, ...CLI_FAULTS, ...DOCTOR_FAULTS,
} as const satisfies Record<`CV_${string}`, FaultRow>;

export type FaultCode = keyof typeof FAULTS;
export type Language = 'en' | 'zh-CN';
export type FaultParams = Readonly<Record<string, string | number>>;

/**
 * A fault that happened: a code of the table and what fills its sentences. A parameter that is itself a sentence brings
 * its Chinese as a twin: `problem` and `problemZh`.
 */
export interface Fault {
  code: FaultCode;
  params: FaultParams;
}

/** The same as something that can be thrown; callers look at `fault.code`, never at the message. */
export class FaultError extends Error {
  readonly fault: Fault;
  constructor(code: FaultCode, params: FaultParams = {}, options?: { cause?: unknown }) {
    super(explain({ code, params }, 'en').message, options);
    this.name = code;
    this.fault = { code, params };
  }
}

/** Message and remedy of a fault in one language, its parameters filled in. */
export function explain(fault: Fault, language: Language): { message: string; remedy: string } {
  const row: FaultRow = FAULTS[fault.code];
  const [message, remedy] = language === 'en' ? row.en : row.zh;
  return { message: fill(message, fault.params, language), remedy: fill(remedy, fault.params, language) };
}

function fill(sentence: string, params: FaultParams, language: Language): string {
  return sentence.replace(/\{(\w+)\}/g, (hole, key: string) => {
    const value = (language === 'en' ? undefined : params[`${key}Zh`]) ?? params[key];
    return value === undefined ? hole : String(value);
  });
}

/** The fault inside a caught error; anything unknown becomes `fallback` with the error's message as {detail}. */
export function faultOf(error: unknown, fallback: FaultCode, params: FaultParams = {}): Fault {
  if (error instanceof FaultError) return error.fault;
  return { code: fallback, params: { detail: error instanceof Error ? error.message : String(error), ...params } };
}
