/** One example of every message on the topics, for the document; a test holds each to its schema and to our own readers. */
import type { Draft } from '../../core/event.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import type { Answer, Command } from '../../core/wire/commands.ts';
import type { Ack, ClockAnswer, EdgeState, EvidenceAnswer, EvidencePart, Refusal } from '../../core/wire/messages.ts';
import { WIRE_VERSION } from '../../core/wire/topics.ts';
import { EVENT_EXAMPLE } from '../../api/events.ts';
import { QUARANTINE_EXAMPLE } from '../../api/quarantine.ts';
import { COMMAND_EXAMPLE } from '../../api/commands.ts';
import { DEVICE_EXAMPLE } from '../../api/devices.ts';
import { WARNING_EXAMPLE } from '../../api/warnings.ts';

const v = WIRE_VERSION;
const { cursor, receivedAt: at, seq, epoch, edge, stream, original, ...fields } = EVENT_EXAMPLE;
const draft = fields as Draft;
const name = { from: edge, stream: 'measurement', epoch, seq } as const;

const ack: Ack = {
  v,
  stream: 'measurement',
  epoch,
  upTo: seq + 1,
  have: [[seq + 4, seq + 9]],
  refused: [{ from: seq + 1, to: seq + 1, code: 'CV_EVENT_INVALID' }],
  gateway: 'town-01',
  at,
};
const refusal: Refusal = { v, error: 'CV_WIRE_NOT_JSON', sha256: QUARANTINE_EXAMPLE.sha256, detail: 'Unexpected end of JSON input' };
const clock: ClockAnswer = { v, clock: { echo: at - 7, at }, takes: ['evidence'] };

const state: EdgeState = {
  v,
  edge,
  centre: draft.centre,
  online: true,
  sentAt: at - 7,
  version: '0.1.0',
  startedAt: at - 25_000,
  clockOffsetMs: -2,
  log: { depth: 4, bytes: 20_480, byStream: { measurement: 4 } },
  http: 'http://127.0.0.1:8081',
  devices: [
    {
      id: DEVICE_EXAMPLE.id,
      driver: DEVICE_EXAMPLE.driver,
      subject: DEVICE_EXAMPLE.subject,
      position: { lon: 106.577, lat: 29.557 },
      online: true,
      reason: '',
      lastAt: at - 31,
      periodMs: 1000,
    },
  ],
};
const lastWill: EdgeState = { v, edge, centre: draft.centre, online: false };

const { id, by, reason, issuedAt, expiresAt } = COMMAND_EXAMPLE;
const command: Command = {
  v,
  id,
  kind: 'write',
  device: DEVICE_EXAMPLE.id,
  point: 'running',
  value: true,
  ifState: { point: 'level', above: 2 },
  by,
  reason,
  issuedAt,
  expiresAt,
};
const answer: Answer = { v, id, status: 'done', readBack: true, at: issuedAt + 138 };

const evidencePart: EvidencePart = {
  v,
  sha256: QUARANTINE_EXAMPLE.sha256,
  mime: 'image/jpeg',
  bytes: 48_211,
  at: at - 900,
  offset: 0,
  data: '/9j/4AAQSkZJRgABAQAAAQABAAD/',
};
const evidenceAnswer: EvidenceAnswer = { v, evidence: { sha256: QUARANTINE_EXAMPLE.sha256, have: 21 } };

export const WIRE_EXAMPLES = {
  rows: { v, ...name, events: [fields] },
  columns: JSON.parse(
    Buffer.from(
      encodeBatch(
        name,
        [0, 1, 2].map((step) => ({
          ...draft,
          value: 3.2 + step / 100,
          occurredAt: draft.occurredAt + step * 1000,
          observedAt: draft.observedAt + step * 1000,
        })),
      ),
    ).toString(),
  ) as Record<string, unknown>,
  ack,
  refusal,
  clock,
  state,
  lastWill,
  command,
  answer,
  evidencePart,
  evidenceAnswer,
  out: { ...fields, original, edge, stream, epoch, seq, cursor, previous: '1781764190000-2430' },
  warning: { ...WARNING_EXAMPLE, revision: 1, previous: null },
};
