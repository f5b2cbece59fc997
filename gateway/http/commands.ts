/** Routes of commands to edges: given, looked at, listed; all by operators alone. */
import { z } from 'zod';
import {
  COMMAND_BODY,
  COMMAND_BODY_EXAMPLE,
  COMMAND_EXAMPLE,
  COMMAND_VIEW_STATUSES,
  CommandView,
  type CommandBody,
} from '../../api/commands.ts';
import type { AuditEntry } from '../people/audit.ts';
import { pageOf } from '../../api/fields.ts';
import { FaultError } from '../../core/faults.ts';
import { COMMAND_KINDS } from '../../core/wire/commands.ts';
import { inCentre, recorded } from './recorded.ts';
import { after, idParam, NO_PARAMS, pageFrom, pageLimit, query, route, unknownId, type Call, type Route } from './route.ts';
import type { CommandSource } from './sources.ts';

const PATH = '/api/v1/commands';
const ACCESS = ['CV_COMMANDS_CLOSED', 'CV_API_UNAUTHORISED', 'CV_COMMAND_TOO_MANY'] as const;
const MAX_PAGE = 500;

export const COMMAND_ROUTES: Route[] = [
  route({
    method: 'POST',
    path: PATH,
    status: 202,
    needs: 'command',
    summary: { zh: '向边缘节点下达命令', en: 'give a command to an edge' },
    query: query({}),
    params: NO_PARAMS,
    body: COMMAND_BODY,
    bodyExample: COMMAND_BODY_EXAMPLE,
    headers: { location: { en: 'where to look for the answer', zh: '查询应答的地址' } },
    answer: CommandView,
    example: COMMAND_EXAMPLE,
    faults: [
      ...ACCESS, 'CV_API_ORIGIN', 'CV_API_UNKNOWN_ID', 'CV_COMMAND_ID_TAKEN', 'CV_COMMAND_BUSY', 'CV_COMMAND_UNRECORDED',
      'CV_COMMAND_KEY_UNUSABLE', 'CV_COMMAND_KEY_OTHER',
    ],
    async handle(call) {
      const known = call.sources.device(call.body.device);
      if (known && !call.sees(known.centre)) throw unknownId({ en: 'device', zh: '设备' }, call.body.device, '/api/v1/devices');
      const commands = commandsOf(call);
      const act = { ...actOf(call.body), ...inCentre(known?.centre) };
      const view = await recorded(call, act, () => commands.ask(call.body, call.principal.name));
      call.reply.code(202).header('location', `${PATH}/${view.id}`);
      return view;
    },
  }),
  route({
    method: 'GET',
    path: `${PATH}/:id`,
    needs: 'command',
    summary: { zh: '单条命令及其应答', en: 'one command and its answer' },
    query: query({}),
    params: idParam('the command', '命令编号', COMMAND_EXAMPLE.id),
    answer: CommandView,
    example: COMMAND_EXAMPLE,
    faults: [...ACCESS, 'CV_API_UNKNOWN_ID'],
    handle(call) {
      const view = commandsOf(call).get(call.params.id);
      if (!view || !call.sees(view.centre)) throw unknownId({ en: 'command', zh: '命令' }, call.params.id, PATH);
      return view;
    },
  }),
  route({
    method: 'GET',
    path: PATH,
    needs: 'command',
    summary: { zh: '命令，最新在前', en: 'commands, newest first' },
    query: query({
      limit: pageLimit(MAX_PAGE, 100),
      after: after(),
      device: z
        .string()
        .max(64)
        .optional()
        .meta({ en: 'to this device', zh: '仅此设备', examples: [COMMAND_EXAMPLE.device] }),
      kind: z
        .enum(COMMAND_KINDS)
        .optional()
        .meta({ en: 'of this kind', zh: '仅此种类', examples: ['write'] }),
      status: z
        .enum(COMMAND_VIEW_STATUSES)
        .optional()
        .meta({ en: 'in this state', zh: '仅此状态', examples: ['pending'] }),
    }),
    params: NO_PARAMS,
    answer: pageOf(CommandView),
    example: { items: [COMMAND_EXAMPLE], next: null },
    faults: [...ACCESS, 'CV_API_CURSOR_INVALID'],
    handle(call) {
      const { limit, after: from, device, kind, status } = call.query;
      const fits = (view: CommandView) =>
        call.sees(view.centre)
        && (device ?? view.device) === view.device
        && (kind ?? view.kind) === view.kind
        && (status ?? view.status) === view.status;
      const place = from === undefined ? null : placeOf(from);
      return pageFrom(
        commandsOf(call).list().filter(fits).toSorted(newestFirst),
        limit,
        (view) => `${view.issuedAt}-${view.id}`,
        (view) => place === null || newestFirst(place, view) < 0,
      );
    },
  }),
];

/** Not the value: a device may take a secret as one; the record of commands has it. */
function actOf(body: CommandBody): Pick<AuditEntry, 'kind' | 'what' | 'details'> {
  const points = 'point' in body ? [body.point] : 'points' in body ? (body.points ?? []) : [];
  return { kind: 'command', what: [body.kind, body.device, ...points].join(' '), details: { reason: body.reason } };
}

function commandsOf({ sources: { commands } }: Pick<Call<unknown, unknown>, 'sources'>): CommandSource {
  if (!commands) throw new FaultError('CV_COMMANDS_CLOSED');
  return commands;
}

type Place = Pick<CommandView, 'issuedAt' | 'id'>;
const newestFirst = (a: Place, b: Place): number => b.issuedAt - a.issuedAt || (a.id < b.id ? -1 : Number(a.id > b.id));

function placeOf(text: string): Place {
  const match = /^(\d{1,16})-([A-Za-z0-9_-]{8,64})$/.exec(text);
  if (!match) throw new FaultError('CV_API_CURSOR_INVALID', { after: text, path: PATH });
  return { issuedAt: Number(match[1]), id: match[2] as string };
}
