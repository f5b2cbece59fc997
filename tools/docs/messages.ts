/** JSON Schemas of what programs exchange with us, one file each, and the two documents that a gateway serves. */
import type { z } from 'zod';
import { PROBLEM_LINE } from '../../core/config/problem.ts';
import { CASE_SCHEMA, EXPECTED_LINE, FRAME_LINE, TRAFFIC_LINE } from '../../cases/format.ts';
import { EVENT_SCHEMA } from '../../core/event.ts';
import { jsonSchemaOf, type JsonSchema } from '../../core/json-schema.ts';
import { bilingualDescription } from '../../core/typed-schema.ts';
import { MESSAGES, asyncapiDocument } from '../../gateway/http/asyncapi.ts';
import { openapiDocument } from '../../gateway/http/openapi.ts';
import { routesOf } from '../../gateway/http/routes.ts';
import { componentSchemas } from '../../api/components.ts';
import { VERSION } from '../../core/version.ts';

const DRAFT = 'http://json-schema.org/draft-07/schema#';

const [SAMPLE_LINE, FAULT_LINE] = EXPECTED_LINE.options;
const lines = (schema: z.ZodType, en: string, zh: string): JsonSchema => ({
  ...jsonSchemaOf(schema, { io: 'input' }),
  ...bilingualDescription(en, zh),
});

/** By the name of their file. */
export function messageSchemas(): Record<string, JsonSchema> {
  const { BatchRows, BatchColumns, Ack, Refusal, Clock, State, Command, Answer, OutEvent, Warning } = MESSAGES;
  return {
    event: { ...EVENT_SCHEMA, ...bilingualDescription('the one record that goes from an edge to a gateway', '从边缘节点到网关的唯一记录') },
    batch: {
      ...bilingualDescription('a run of events, as rows or as columns', '一段事件，行式或列式'),
      oneOf: [BatchRows.payload, BatchColumns.payload],
    },
    ack: {
      ...bilingualDescription('what a gateway says on `…/ack`', '网关在 …/ack 上的应答'),
      oneOf: [Ack.payload, Refusal.payload, Clock.payload],
    },
    state: { ...State.payload, ...bilingualDescription('what an edge says of itself', '边缘节点的状态') },
    command: { ...Command.payload, ...bilingualDescription('a command to an edge', '发往边缘节点的命令') },
    answer: { ...Answer.payload, ...bilingualDescription('what became of a command', '命令的结果') },
    'out-event': OutEvent.payload,
    warning: { ...Warning.payload, ...bilingualDescription('a warning as it is published', '发布的风险提示') },
    'sample-line': lines(SAMPLE_LINE, 'a sample, as --json and expected.jsonl have it', '样本行：--json 与 expected.jsonl 的形式'),
    'fault-line': lines(FAULT_LINE, 'a fault, as --json and expected.jsonl have it', '故障行：--json 与 expected.jsonl 的形式'),
    'problem-line': lines(PROBLEM_LINE, 'a mistake in a configuration, as check --json has it', '配置错误行：check --json 的形式'),
    case: lines(CASE_SCHEMA, 'case.yaml of a recorded case', '录制案例的 case.yaml'),
    'traffic-line': lines(TRAFFIC_LINE, 'a line of traffic.jsonl', 'traffic.jsonl 的一行'),
    'frame-line': lines(FRAME_LINE, 'a line of frames.jsonl; the driver\'s own fields beside these', 'frames.jsonl 的一行；另有驱动自身的字段'),
  };
}

/** Path → text. */
export function messagePages(): Record<string, string> {
  const text = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;
  return {
    ...Object.fromEntries(
      Object.entries(messageSchemas()).map(([name, schema]) => [
        `docs/schemas/${name}.schema.json`,
        text({ $schema: DRAFT, title: `cityvitals ${name}`, ...schema }),
      ]),
    ),
    'docs/api/asyncapi.json': text(asyncapiDocument(VERSION)),
    'docs/api/openapi.json': text(openapiDocument(VERSION, routesOf(VERSION), componentSchemas())),
  };
}
